package dev.smelt.routing.repair;

/** Which weights of a layer are trained. */
public enum Trained {
  /** The matrices of the routed experts, with their biases. */
  EXPERTS,
  /** The router's matrix. */
  ROUTER,
  /** Both. */
  ALL;

  /** Whether the router is among them. */
  public boolean hasRouter() {
    return this != EXPERTS;
  }

  /** Whether the experts are among them. */
  public boolean hasExperts() {
    return this != ROUTER;
  }
}
