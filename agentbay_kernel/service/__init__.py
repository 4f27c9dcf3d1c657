"""The local service: sessions on this computer, behind the vendors' wire protocol."""
