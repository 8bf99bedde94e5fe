"""Small PDU tables of the test peers: written for them alone, sharing nothing with the programs under test."""
