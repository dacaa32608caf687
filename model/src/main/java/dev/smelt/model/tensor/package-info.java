/**
 * The only package that touches libtorch: tensors, their lifetimes, autograd and linear algebra.
 *
 * <p>Start at {@link dev.smelt.model.tensor.Scope}, which owns every tensor made inside it, and at
 * {@link dev.smelt.model.tensor.Tensor}. Nothing here knows about models. One thread drives;
 * libtorch parallelises inside operations.
 */
package dev.smelt.model.tensor;
