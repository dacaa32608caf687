package dev.smelt.model.tensor;

import dev.smelt.io.Dtype;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * An n-dimensional array of libtorch.
 *
 * <p>Operations return new tensors that belong to the innermost open {@link Scope}; methods that
 * end in {@code InPlace} change this tensor and return nothing. Shapes are checked by libtorch,
 * whose messages name both; callers check first where they can name the model's tensor.
 */
public final class Tensor implements AutoCloseable {
  private final org.bytedeco.pytorch.Tensor at;

  Tensor(org.bytedeco.pytorch.Tensor at) {
    this.at = at;
  }

  org.bytedeco.pytorch.Tensor at() {
    return at;
  }

  private static Tensor of(org.bytedeco.pytorch.Tensor at) {
    return new Tensor(at);
  }

  /** Frees a tensor that was kept outside of every scope. */
  @Override
  public void close() {
    at.releaseReference();
  }

  // --- shape ---

  /** The element type. */
  public Dtype dtype() {
    return Torch.dtype(at.scalar_type());
  }

  /** The number of dimensions. */
  public int rank() {
    return (int) at.dim();
  }

  /** The length of a dimension; negative dimensions count from the end. */
  public long size(int dimension) {
    return at.size(dimension);
  }

  /** The lengths of all dimensions. */
  public long[] shape() {
    long[] shape = new long[rank()];
    Arrays.setAll(shape, this::size);
    return shape;
  }

  /** The number of elements. */
  public long elements() {
    return at.numel();
  }

  /** Whether the elements lie in memory row by row, without gaps. */
  public boolean isContiguous() {
    return at.is_contiguous();
  }

  /** The same elements in another shape; one length may be -1. */
  public Tensor reshape(long... shape) {
    return of(at.reshape(shape));
  }

  /** A view of {@code length} entries of a dimension from {@code start} on. */
  public Tensor narrow(int dimension, long start, long length) {
    return of(at.narrow(dimension, start, length));
  }

  /** A view of one entry of a dimension, which disappears. */
  public Tensor select(int dimension, long index) {
    return of(at.select((long) dimension, index));
  }

  /** A view with two dimensions exchanged. */
  public Tensor transpose(int a, int b) {
    return of(at.transpose((long) a, (long) b));
  }

  /** A view with dimensions in another order. */
  public Tensor permute(long... dimensions) {
    return of(at.permute(dimensions));
  }

  /** A view of the diagonal of a matrix. */
  public Tensor diagonal() {
    return of(at.diagonal());
  }

  /** A view with a new dimension of length one. */
  public Tensor unsqueeze(int dimension) {
    return of(at.unsqueeze(dimension));
  }

  /** A view that repeats dimensions of length one. */
  public Tensor expand(long... shape) {
    return of(at.expand(shape));
  }

  /** Row-major elements: this tensor's own, or a copy. */
  public Tensor contiguous() {
    return at.is_contiguous() ? this : of(new org.bytedeco.pytorch.Tensor(at.contiguous()));
  }

  /** A copy with its own memory. */
  public Tensor copy() {
    return of(at.clone());
  }

  /** The same values outside of the recorded graph. */
  public Tensor detach() {
    return of(at.detach());
  }

  /** The same values in another type: this tensor if it has the type already. */
  public Tensor to(Dtype dtype) {
    return dtype().equals(dtype) ? this : of(at.to(Torch.type(dtype)));
  }

  // --- arithmetic ---

  /** Elementwise sum, with broadcasting. */
  public Tensor add(Tensor other) {
    return of(at.add(other.at));
  }

  /** Elementwise sum with {@code scale * other}. */
  public Tensor addScaled(Tensor other, double scale) {
    return of(at.add(other.at, new Scalar(scale)));
  }

  /** Adds a number to every element. */
  public Tensor add(double number) {
    return of(at.add(new Scalar(number)));
  }

  /** Elementwise difference, with broadcasting. */
  public Tensor sub(Tensor other) {
    return of(at.sub(other.at));
  }

  /** Elementwise product, with broadcasting. */
  public Tensor mul(Tensor other) {
    return of(at.mul(other.at));
  }

  /** Multiplies every element with a number. */
  public Tensor mul(double number) {
    return of(at.mul(new Scalar(number)));
  }

  /** The largest whole number not above the quotient of every I64 element and a divisor. */
  public Tensor floorDivide(long divisor) {
    return of(torch.floor_divide(at, new Scalar(divisor)));
  }

  /** Elementwise sum with {@code a * b}, with broadcasting. */
  public Tensor addProduct(Tensor a, Tensor b) {
    return of(at.addcmul(a.at, b.at));
  }

  /** Elementwise quotient, with broadcasting. */
  public Tensor div(Tensor other) {
    return of(at.div(other.at));
  }

  /** Matrix product, batched over leading dimensions. */
  public Tensor matmul(Tensor other) {
    return Products.splits(this, other) ? Products.of(this, other) : of(at.matmul(other.at));
  }

  /** Matrix product of two matrices, on one thread. */
  Tensor mm(Tensor other) {
    return of(at.mm(other.at));
  }

  /** Matrix products of two batches of matrices. */
  Tensor bmm(Tensor other) {
    return of(at.bmm(other.at));
  }

  /** {@code this * weight^T}, for a weight of shape [out, in]. */
  public Tensor linear(Tensor weight) {
    Tensor transposed = weight.transpose(0, 1);
    return Products.splits(this, transposed)
        ? Products.of(this, transposed)
        : of(torch.linear(at, weight.at));
  }

  /** {@code this * weight^T + bias}, for a weight of shape [out, in] and a bias of shape [out]. */
  public Tensor linear(Tensor weight, Tensor bias) {
    if (Autograd.isRecording()) {
      return of(torch.linear(at, weight.at, bias.at));
    }
    Tensor product = linear(weight);
    product.addInPlace(bias);
    return product;
  }

  /** Elementwise square. */
  public Tensor square() {
    return of(at.square());
  }

  /** Elementwise square root. */
  public Tensor sqrt() {
    return of(at.sqrt());
  }

  /** Elementwise reciprocal square root. */
  public Tensor rsqrt() {
    return of(at.rsqrt());
  }

  /** Elementwise reciprocal. */
  public Tensor reciprocal() {
    return of(at.reciprocal());
  }

  /** Elementwise absolute value. */
  public Tensor abs() {
    return of(at.abs());
  }

  /** Elementwise sign: -1, 0 or 1. */
  public Tensor sign() {
    return of(at.sign());
  }

  /** Elementwise exponential. */
  public Tensor exp() {
    return of(at.exp());
  }

  /** Elementwise natural logarithm. */
  public Tensor log() {
    return of(at.log());
  }

  /** Elementwise logistic function. */
  public Tensor sigmoid() {
    return of(at.sigmoid());
  }

  /** Elementwise {@code x * sigmoid(x)}. */
  public Tensor silu() {
    return of(torch.silu(at));
  }

  /** Elementwise maximum with zero. */
  public Tensor relu() {
    return of(torch.relu(at));
  }

  /** Elementwise tanh. */
  public Tensor tanh() {
    return of(at.tanh());
  }

  /** Elementwise {@code log(1 + exp(x))}. */
  public Tensor softplus() {
    return of(torch.softplus(at));
  }

  /** Elementwise GELU in its tanh approximation. */
  public Tensor geluTanh() {
    return of(torch.gelu(at, "tanh"));
  }

  /** Elements limited to [low, high]. */
  public Tensor clamp(double low, double high) {
    return of(at.clamp(optional(low), optional(high)));
  }

  /** The larger of two elements each, with broadcasting. */
  public Tensor maximum(Tensor other) {
    return of(torch.maximum(at, other.at));
  }

  /** Softmax over a dimension, computed in F32 whatever this tensor's type; the result is F32. */
  public Tensor softmax(int dimension) {
    return of(torch.softmax(at, dimension, new ScalarTypeOptional(single())));
  }

  /** Logarithm of the softmax over a dimension, computed in F32 or F64. */
  public Tensor logSoftmax(int dimension) {
    return of(torch.log_softmax(at, dimension, new ScalarTypeOptional(single())));
  }

  private torch.ScalarType single() {
    return dtype().equals(Dtype.F64) ? torch.ScalarType.Double : torch.ScalarType.Float;
  }

  // --- reductions ---

  /** Sum of all elements, as a tensor without dimensions. */
  public Tensor sum() {
    return of(at.sum());
  }

  /** Sum over dimensions, which disappear. */
  public Tensor sum(long... dimensions) {
    return of(at.sum(dimensions, false, new ScalarTypeOptional()));
  }

  /** Mean of all elements, as a tensor without dimensions. */
  public Tensor mean() {
    return of(at.mean());
  }

  /** Mean over dimensions, which stay with length one if {@code keep}. */
  public Tensor mean(int dimension, boolean keep) {
    return of(at.mean(new long[] {dimension}, keep, new ScalarTypeOptional()));
  }

  /** Largest element of each slice along a dimension, which disappears. */
  public Tensor max(int dimension) {
    return of(at.amax(new long[] {dimension}, false));
  }

  /** Largest element, as a tensor without dimensions. */
  public Tensor max() {
    return of(at.max());
  }

  /** Largest absolute value of all elements, without a copy of them. */
  public double maxAbs() {
    T_TensorTensor_T extremes = at.aminmax();
    return Math.max(
        extremes.get1().to(torch.ScalarType.Double).item_double(),
        -extremes.get0().to(torch.ScalarType.Double).item_double());
  }

  /** Index of the largest element of each slice along a dimension; I64. */
  public Tensor argmax(int dimension) {
    return of(at.argmax(new org.bytedeco.pytorch.LongOptional(dimension), false));
  }

  /** Euclidean norm of each slice along a dimension, which disappears. */
  public Tensor norm(int dimension) {
    return of(at.norm(optional(2), new long[] {dimension}, false));
  }

  /** Euclidean norm of all elements. */
  public Tensor norm() {
    return of(at.norm());
  }

  /** Running sum along a dimension. */
  public Tensor cumulativeSum(int dimension) {
    return of(at.cumsum((long) dimension));
  }

  // --- choosing ---

  /** The {@code k} largest entries of the last dimension, largest first. */
  public TopK topK(int k) {
    var both = torch.topk(at, k, -1, true, true);
    return new TopK(owned(both.get0()), owned(both.get1()));
  }

  /** Order that sorts a vector ascending; equal entries keep their order. I64. */
  public Tensor argsort() {
    return of(torch.argsort(at, true, 0, false));
  }

  /** Entries of a dimension by index (I64 or I32 vector). */
  public Tensor indexSelect(int dimension, Tensor index) {
    return of(torch.index_select(at, (long) dimension, index.at));
  }

  /** A copy in which the entries of a dimension that {@code index} names are those of a source. */
  public Tensor indexCopy(int dimension, Tensor index, Tensor source) {
    return of(at.index_copy((long) dimension, index.at, source.at));
  }

  /** Entries of a dimension by an index of this tensor's rank. */
  public Tensor gather(int dimension, Tensor index) {
    return of(at.gather((long) dimension, index.at));
  }

  /**
   * Weighted sums of rows of this matrix [m, H]: {@code sum_j weights[i, j] * this[index[i, j]]}.
   *
   * @param index rows, I64, [n, k]
   * @param weights of this tensor's type, [n, k]
   * @return [n, H]; no gradient
   */
  public Tensor weightedRows(Tensor index, Tensor weights) {
    long k = index.size(1);
    Tensor starts = Tensors.range(index.elements(), Dtype.I64).reshape(-1, k).select(1, 0);
    var sums =
        torch.embedding_bag(
            at,
            index.reshape(-1).at,
            starts.contiguous().at,
            false,
            0,
            false,
            new TensorOptional(weights.reshape(-1).at),
            false);
    return owned(sums.get0());
  }

  /** How often each of {@code 0 .. bins-1} occurs in an I64 vector. */
  public Tensor binCount(long bins) {
    return of(torch.bincount(at, new TensorOptional(), bins));
  }

  /** A copy in which elements where {@code mask} is true have another value. */
  public Tensor maskedFill(Tensor mask, double value) {
    return of(at.masked_fill(mask.at, new Scalar(value)));
  }

  /** Where elements are greater than a number; BOOL. */
  public Tensor greater(double number) {
    return of(at.gt(new Scalar(number)));
  }

  /** Where elements are greater than those of another tensor; BOOL. */
  public Tensor greater(Tensor other) {
    return of(at.gt(other.at));
  }

  /** Where elements equal those of another tensor; BOOL. */
  public Tensor equal(Tensor other) {
    return of(at.eq(other.at));
  }

  /**
   * Scaled dot-product attention of queries [B, heads, T, d] to keys and values [B, kv heads, T,
   * d]; kv heads are shared by groups of heads.
   *
   * @param mask [T, T] or broadcastable, added to the scores; causal without one
   */
  public Tensor attend(Tensor keys, Tensor values, java.util.Optional<Tensor> mask, double scale) {
    var bias = mask.map(m -> new TensorOptional(m.at)).orElseGet(TensorOptional::new);
    boolean grouped = size(1) != keys.size(1);
    return of(
        torch.scaled_dot_product_attention(
            at, keys.at, values.at, bias, 0.0, mask.isEmpty(), new DoubleOptional(scale), grouped));
  }

  // --- in place ---

  /** Adds another tensor to this one. */
  public void addInPlace(Tensor other) {
    at.add_(other.at);
  }

  /** Adds {@code scale * other} to this one. */
  public void addInPlace(Tensor other, double scale) {
    at.add_(other.at, new Scalar(scale));
  }

  /** Adds {@code a * b}, elementwise, to this tensor. */
  public void addProductInPlace(Tensor a, Tensor b) {
    at.addcmul_(a.at, b.at);
  }

  /** Moves every element the given part of the way to that of another tensor. */
  public void lerpInPlace(Tensor other, double part) {
    at.lerp_(other.at, new Scalar(part));
  }

  /** Adds {@code scale * a * b}, elementwise, to this tensor. */
  public void addProductInPlace(Tensor a, Tensor b, double scale) {
    at.addcmul_(a.at, b.at, new Scalar(scale));
  }

  /** Adds {@code scale * a / b}, elementwise, to this tensor. */
  public void addQuotientInPlace(Tensor a, Tensor b, double scale) {
    at.addcdiv_(a.at, b.at, new Scalar(scale));
  }

  /** Multiplies every element with a number. */
  public void mulInPlace(double number) {
    at.mul_(new Scalar(number));
  }

  /** Multiplies this tensor with another one, elementwise. */
  public void mulInPlace(Tensor other) {
    at.mul_(other.at);
  }

  /** Overwrites this matrix with {@code input * weight^T}; types are equal, no gradient. */
  public void linearInto(Tensor input, Tensor weight) {
    Tensor transposed = weight.transpose(0, 1);
    if (Products.splits(input, transposed)) {
      Products.into(this, input, transposed);
    } else {
      torch.mm_out(at, input.at, transposed.at);
    }
  }

  /** Overwrites this tensor's values; converts the type. */
  public void copyFrom(Tensor source) {
    at.copy_(source.at);
  }

  /** Adds rows of {@code source} to the entries of dimension 0 that {@code index} (I64) names. */
  public void indexAddInPlace(Tensor index, Tensor source) {
    at.index_add_(0, index.at, source.at);
  }

  /** Limits all elements to a range. */
  public void clampInPlace(double from, double to) {
    at.clamp_(optional(from), optional(to));
  }

  /** Replaces all elements {@code x} by {@code 1 / (1 + exp(-x))}. */
  public void sigmoidInPlace() {
    at.sigmoid_();
  }

  /** Replaces every element by its square root. */
  public void sqrtInPlace() {
    at.sqrt_();
  }

  /** Adds a number to every element. */
  public void addInPlace(double number) {
    at.add_(new Scalar(number));
  }

  /** Sets every element. */
  public void fillInPlace(double number) {
    at.fill_(new Scalar(number));
  }

  // --- reading ---

  /** The only element. */
  public double item() {
    return at.to(torch.ScalarType.Double).item_double();
  }

  /** All elements, row by row. */
  public float[] toFloats() {
    return to(Dtype.F32).contiguous().memory().toArray(ValueLayout.JAVA_FLOAT);
  }

  /** All elements, row by row. */
  public double[] toDoubles() {
    return to(Dtype.F64).contiguous().memory().toArray(ValueLayout.JAVA_DOUBLE);
  }

  /** All elements, row by row. */
  public long[] toLongs() {
    return to(Dtype.I64).contiguous().memory().toArray(ValueLayout.JAVA_LONG);
  }

  /** The bytes of a contiguous tensor; valid as long as the tensor lives. */
  public MemorySegment memory() {
    if (!at.is_contiguous()) {
      throw new IllegalStateException("memory of a tensor that is not contiguous");
    }
    long bytes = elements() * at.element_size();
    return bytes == 0
        ? MemorySegment.NULL
        : MemorySegment.ofAddress(at.data_ptr().address()).reinterpret(bytes);
  }

  static Tensor owned(org.bytedeco.pytorch.Tensor borrowed) {
    return of(new org.bytedeco.pytorch.Tensor(borrowed));
  }

  private static ScalarOptional optional(double number) {
    return new ScalarOptional(new Scalar(number));
  }

  @Override
  public String toString() {
    return dtype() + Arrays.toString(shape());
  }

  /**
   * The largest entries of the last dimension and where they are.
   *
   * @param values largest first
   * @param indices I64, of the same shape
   */
  public record TopK(Tensor values, Tensor indices) {}
}
