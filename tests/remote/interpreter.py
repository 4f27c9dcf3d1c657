"""An interpreter of a session in small: runs the cells of its input in one IPython shell.

It is a program of its own, started with any Python from 3.8 that has IPython from 7.34.
"""

import asyncio
import json
import sys

from IPython.core.interactiveshell import InteractiveShell


async def main():
    shell = InteractiveShell.instance()
    for text in json.load(sys.stdin):
        transformed = shell.transform_cell(text)
        if shell.should_run_async(text, transformed_cell=transformed):
            await shell.run_cell_async(text, store_history=True, transformed_cell=transformed)
            shell.events.trigger("post_execute")
        else:
            shell.run_cell(text, store_history=True)
        await asyncio.sleep(0)  # what a cell leaves for the loop


asyncio.run(main())
