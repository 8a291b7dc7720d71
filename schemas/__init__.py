"""The tracking plan: event schemas, funnels, targets and actions, loaded and checked whole."""
