package dev.smelt.io;

import static dev.smelt.io.TestFiles.f32;
import static dev.smelt.io.TestFiles.tensors;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsFileTest {
  @TempDir Path directory;

  private Path path() {
    return directory.resolve("model.safetensors");
  }

  private static void assertRefused(ThrowingCallable open, String... parts) {
    assertThatThrownBy(open)
        .isInstanceOf(SmeltException.class)
        .hasMessageContainingAll(parts)
        .hasMessageContaining("model.safetensors")
        .satisfies(
            thrown -> assertThat(((SmeltException) thrown).fault()).isEqualTo(Fault.CHECKPOINT))
        .satisfies(thrown -> assertThat(((SmeltException) thrown).hint()).isNotBlank());
  }

  @Test
  void readsEveryKindOfTensor() {
    TestFiles.raw(
        path(),
        "  {\"s\": {\"shape\": [], \"data_offsets\": [1, 5], \"dtype\": \"F32\"},"
            + " \"__metadata__\": {\"format\": \"pt\", \"a\\\"b\": \"\\u00e9\"},"
            + " \"u\": {\"dtype\": \"U8\", \"shape\": [1], \"data_offsets\": [0, 1]},"
            + " \"none\": {\"dtype\": \"BF16\", \"shape\": [0, 3], \"data_offsets\": [5, 5]},"
            + " \"four\": {\"dtype\": \"F4\", \"shape\": [4], \"data_offsets\": [5, 7]}} ",
        new byte[] {9, 0, 0, (byte) 0x80, 0x3F, 1, 2});
    try (SafetensorsFile file = SafetensorsFile.open(path())) {
      assertThat(file.metadata()).containsEntry("format", "pt").containsEntry("a\"b", "é");
      assertThat(file.tensors().sequencedKeySet()).containsExactly("u", "s", "none", "four");
      MemorySegment scalar = file.data(file.tensors().get("s"));
      assertThat(scalar.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0)).isEqualTo(1);
      assertThat(scalar.isReadOnly()).isTrue();
      assertThat(file.data(file.tensors().get("none")).byteSize()).isZero();
      StoredTensor four = file.tensors().get("four");
      assertThat(four.dtype()).isEqualTo(Dtype.of("F4"));
      assertThat(four.bytes()).isEqualTo(2);
      assertThat(four.dim(-1)).isEqualTo(4);
    }
  }

  @Test
  void readsAFileWithoutTensors() {
    TestFiles.raw(path(), "{}");
    try (SafetensorsFile file = SafetensorsFile.open(path())) {
      assertThat(file.tensors()).isEmpty();
      assertThat(file.metadata()).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          [1]                                                       | the header is not a JSON object
          {"a":                                                     | not valid JSON
          {} {}                                                     | goes on after its JSON object
          {"a":1}                                                   | the entry a is not a JSON object
          {"__metadata__":{"k":1}}                                  | metadata field k: expected a string, found a number
          {"__metadata__":{"k":null}}                               | metadata field k: expected a string, found null
          {"__metadata__":{"k":"1","k":"2"}}                        | metadata names k twice
          {"__metadata__":{},"__metadata__":{}}                     | names __metadata__ twice
          {"a":{"dtype":"U8","shape":[8]}}                          | tensor a: needs dtype, shape and data_offsets; missing data_offsets
          {"a":{"dtype":1,"shape":[8],"data_offsets":[0,8]}}        | tensor a: dtype: expected a string, found a number
          {"a":{"dtype":"U8","shape":8,"data_offsets":[0,8]}}       | tensor a: shape: expected an array of numbers, found a number
          {"a":{"dtype":"U8","shape":[8.0],"data_offsets":[0,8]}}   | tensor a: shape: expected whole numbers below 2^63, found 8.0
          {"a":{"dtype":"U8","shape":[[8]],"data_offsets":[0,8]}}   | tensor a: shape: expected whole numbers below 2^63, found an array
          {"a":{"dtype":"U8","shape":[-8],"data_offsets":[0,8]}}    | tensor a: shape [-8] of U8 is negative or too large
          {"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,8]}} | tensor a: shape [4294967296, 4294967296] of U8 is negative or too large
          {"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,8]}}  | is negative or too large
          {"a":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,8]}}  | found 99999999999999999999
          {"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8,9]}}   | tensor a: data_offsets must be two numbers, found [0, 8, 9]
          {"a":{"dtype":"U8","shape":[8],"data_offsets":[-8,0]}}    | tensor a: data_offsets [-8, 0] must rise and lie within the 8 bytes
          {"a":{"dtype":"U8","shape":[8],"data_offsets":[8,0]}}     | data_offsets [8, 0] must rise
          {"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}     | data_offsets [0, 9] must rise and lie within the 8 bytes of data
          {"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9223372036854775807]}}   | lie within the 8 bytes of data
          {"a":{"dtype":"F32","shape":[8],"data_offsets":[0,8]}}    | tensor a: F32 [8] takes 32 bytes, but data_offsets [0, 8] hold 8
          {"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8],"x":1}}               | tensor a: unknown field x
          {"a":{"dtype":"U8","dtype":"U8","shape":[8],"data_offsets":[0,8]}}        | tensor a: field dtype is given twice
          {"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}} | the header names a twice
          {"a":{"dtype":"U8","shape":[7],"data_offsets":[1,8]}}     | tensor a: a gap after the header: expected offset 0, found 1
          {"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[3],"data_offsets":[5,8]}} | tensor b: a gap after a: expected offset 3, found 5
          {"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}} | tensor b: overlaps a: expected offset 5, found 4
          {"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}} | tensor b: overlaps a
          {"a":{"dtype":"U8","shape":[6],"data_offsets":[0,6]}}     | but the file has
          {}                                                        | the tensors end at byte 10, but the file has 18 bytes
          """)
  void refusesDamagedHeaders(String header, String message) {
    TestFiles.raw(path(), header, new byte[8]);
    assertRefused(() -> SafetensorsFile.open(path()), message);
  }

  @Test
  void reportsAllProblemsAtOnce() {
    TestFiles.raw(
        path(),
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]},"
            + "\"__metadata__\":{\"k\":[1]},"
            + "\"b\":{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,0]}}",
        new byte[8]);
    assertRefused(
        () -> SafetensorsFile.open(path()),
        "3 problems",
        "tensor a",
        "metadata field k",
        "tensor b");
  }

  @Test
  void shortensLongListsOfProblems() {
    StringBuilder header = new StringBuilder("{\"x\":1");
    for (int i = 0; i < 100; i++) {
      header.append(",\"t").append(i).append("\":2");
    }
    TestFiles.raw(path(), header.append('}').toString());
    assertRefused(() -> SafetensorsFile.open(path()), "t18 ", "and 81 more");
  }

  @Test
  void refusesImpossibleLengths() {
    TestFiles.bytes(path());
    assertRefused(() -> SafetensorsFile.open(path()), "at least 8 bytes, found 0");
    ByteBuffer buffer = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    TestFiles.bytes(path(), buffer.putLong(0, 100_000_001).array());
    assertRefused(() -> SafetensorsFile.open(path()), "100000001", "100000000 is allowed");
    TestFiles.bytes(path(), buffer.putLong(0, -1).array());
    assertRefused(() -> SafetensorsFile.open(path()), "18446744073709551615");
    TestFiles.bytes(path(), buffer.putLong(0, 9).array());
    assertRefused(() -> SafetensorsFile.open(path()), "header of 9 bytes in a file of 16 bytes");
    assertRefused(
        () -> SafetensorsFile.open(directory.resolve("other-model.safetensors")), "no such file");
  }

  @Test
  void refusesEveryTruncation() {
    TestFiles.safetensors(path(), tensors("a", f32(List.of(2L), 1, 2), "b", f32(List.of(), 3)));
    byte[] whole = TestFiles.read(path());
    for (int length = 0; length < whole.length; length++) {
      TestFiles.bytes(path(), Arrays.copyOf(whole, length));
      assertRefused(() -> SafetensorsFile.open(path()), ": ");
    }
    TestFiles.bytes(path(), Arrays.copyOf(whole, whole.length + 1));
    assertRefused(() -> SafetensorsFile.open(path()), "the tensors end at byte");
  }

  @Test
  void reachesTensorsBeyondTwoGibibytes() throws Exception {
    long big = 5L << 30;
    TestFiles.raw(
        path(),
        "{\"big\":{\"dtype\":\"U8\",\"shape\":[%d],\"data_offsets\":[0,%d]},".formatted(big, big)
            + "\"end\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[%d,%d]}}"
                .formatted(big, big + 8));
    try (FileChannel channel = FileChannel.open(path(), StandardOpenOption.WRITE)) {
      long start = channel.size();
      channel.write(ByteBuffer.wrap(new byte[] {77}), start + big - 1);
      channel.write(ByteBuffer.wrap(new byte[] {1, 2, 0, 0, 0, 0, 0, 0}), start + big);
    }
    try (SafetensorsFile file = SafetensorsFile.open(path())) {
      MemorySegment data = file.data(file.tensors().get("big"));
      assertThat(data.byteSize()).isEqualTo(big);
      assertThat(data.get(ValueLayout.JAVA_BYTE, big - 1)).isEqualTo((byte) 77);
      MemorySegment end = file.data(file.tensors().get("end"));
      assertThat(end.get(ValueLayout.JAVA_LONG_UNALIGNED, 0)).isEqualTo(513);
    }
  }

  @Test
  void noticesAFileThatChangesAfterOpening() throws Exception {
    TestFiles.safetensors(path(), tensors("a", f32(List.of(2L), 1, 2)));
    try (SafetensorsFile file = SafetensorsFile.open(path())) {
      try (FileChannel channel = FileChannel.open(path(), StandardOpenOption.WRITE)) {
        channel.truncate(20);
      }
      assertRefused(() -> file.data(file.tensors().get("a")), "now 20");
    }
  }
}
