package dev.smelt.model.tensor;

import org.bytedeco.javacpp.PointerScope;

/**
 * The lifetime of tensors: all that are made while a scope is open are freed when it closes, except
 * those that were {@linkplain #keep kept}.
 *
 * <p>Scopes nest on one thread. A step (one layer, one expert group, one batch) opens its own.
 */
public final class Scope implements AutoCloseable {
  private final PointerScope outer;
  private final PointerScope inner;

  private Scope() {
    outer = PointerScope.getInnerScope();
    inner = new PointerScope();
  }

  /** Opens a scope inside the innermost open one. */
  public static Scope open() {
    return new Scope();
  }

  /**
   * Lets a tensor live on in the enclosing scope; without one it lives until {@link Tensor#close}.
   *
   * @return the same tensor
   */
  public Tensor keep(Tensor tensor) {
    if (outer == null) {
      return release(tensor);
    }
    outer.attach(tensor.at());
    return tensor;
  }

  /** Lets a tensor live on, whatever scopes are open, until {@link Tensor#close}. */
  public Tensor release(Tensor tensor) {
    tensor.at().retainReference();
    return tensor;
  }

  @Override
  public void close() {
    inner.close();
  }
}
