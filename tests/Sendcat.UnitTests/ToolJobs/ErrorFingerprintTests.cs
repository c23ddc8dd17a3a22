using Sendcat.Reliability.ToolJobs;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class ErrorFingerprintTests
{
    [Theory]
    [InlineData("HTTP 503 after 712 ms", "HTTP 502 after 9.5 ms")]
    [InlineData("job 0193aa00-0000-7000-8000-000000000001 broke", "job 0193bb00-0000-7000-8000-00000000ffff broke")]
    [InlineData("""no "kettle" found""", """no "toaster" found""")]
    [InlineData("cannot reach https://a.example/x?q=1", "cannot reach https://b.example/")]
    public void Errors_of_one_cause_have_one_fingerprint(string one, string other) =>
        Assert.Equal(ErrorFingerprint.Of(one), ErrorFingerprint.Of(other));

    [Fact]
    public void Errors_of_different_causes_have_different_fingerprints() =>
        Assert.NotEqual(ErrorFingerprint.Of("ebay_search: HTTP 503"), ErrorFingerprint.Of("global_search: HTTP 503"));

    [Fact]
    public void A_long_error_is_truncated() => Assert.Equal(600, ErrorFingerprint.Truncate(new string('x', 5_000)).Length);
}
