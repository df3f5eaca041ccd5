"""What the tests share: databases, isolation from the network and the environment, outside requirements."""
