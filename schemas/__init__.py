"""The tracking plan: event schemas, funnels, and the registry that loads and checks them."""
