"""What the end-to-end tests and the demo start: a namespace, real mail servers, the test peers, and pushmail itself."""
