using Sendcat.Reliability.ToolCache;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class ToolCacheKeyTests
{
    [Fact]
    public void Equivalent_queries_have_the_same_key() => Assert.Equal(ToolCacheKey.Of("rice cooker"), ToolCacheKey.Of("  Rice Cooker "));

    [Fact]
    public void Missing_fields_are_empty() =>
        Assert.Equal(
            "q=kettle&limit=5&minprice=&max=9.5".Replace("minprice", "min", StringComparison.Ordinal),
            ToolCacheKey.Of(("q", "Kettle"), ("limit", 5), ("min", null), ("max", 9.5m)));

    [Fact]
    public void A_text_value_cannot_imitate_another_field() =>
        Assert.NotEqual(ToolCacheKey.Of(("q", "a&limit=1"), ("limit", 2)), ToolCacheKey.Of(("q", "a"), ("limit", "1&limit=2")));

    [Fact]
    public void Long_queries_that_differ_have_different_keys()
    {
        var (one, other) = (ToolCacheKey.Of(new string('x', 600) + "1"), ToolCacheKey.Of(new string('x', 600) + "2"));

        Assert.NotEqual(one, other);
        Assert.Equal(ToolCacheKey.MaxLength, one.Length);
    }
}
