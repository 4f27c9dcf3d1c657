"""What is AgentBay's alone: where region and endpoint lead."""

import pytest

from agentbay_kernel.providers.agentbay import AgentBayProvider
from tests.providers.cloud import KEY


@pytest.mark.parametrize(
    ("region", "endpoint", "used"),
    [
        ("", "", "agentbay.cn-hangzhou.aliyuncs.com"),
        ("us-east-1", "", "agentbay.us-east-1.aliyuncs.com"),
        ("", "http://127.0.0.1:9", "http://127.0.0.1:9"),
        ("us-east-1", "http://127.0.0.1:9", "agentbay.us-east-1.aliyuncs.com"),
    ],
)
async def test_region_and_endpoint_lead_where_the_sdk_says(region, endpoint, used):
    provider = AgentBayProvider(KEY, region=region, endpoint=endpoint)
    client = await provider.client()
    assert provider.endpoint == client.client._endpoint == used
