using System.Text;
using System.Text.Json;
using CsCheck;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.UnitTests.Reliability;

/// <summary>Repair and truncation of text that Postgres or a strict encoder would reject.</summary>
public sealed class UntrustedTextTests
{
    private static readonly Encoding Strict = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly Gen<string> Texts = Gen.Int[0, 6].Select(at => "a\0\ud83d\ude00\\\"\u00e9"[at]).Array[0, 12]
        .Select(chars => new string(chars));

    /// <summary>Not the data of a theory: an attribute cannot hold a lone surrogate.</summary>
    [Fact]
    public void Lone_surrogates_are_replaced_or_removed_and_NUL_is_removed()
    {
        Check("a\0b", "ab", "ab");
        Check("\ude00a\ud83d", "\ufffda\ufffd", "a");
        Check("\ud83d\ud83d\ude00\ude00", "\ufffd\ud83d\ude00\ufffd", "\ud83d\ude00");
        Check("\ud83d\0\ude00", "\ud83d\ude00", "\ud83d\ude00");

        static void Check(string text, string sanitized, string stripped) =>
            Assert.Equal((sanitized, stripped), (StorableText.Sanitize(text), StorableText.Strip(text)));
    }

    [Fact]
    public void Every_repaired_or_truncated_text_can_be_encoded() => Gen.Select(Texts, Gen.Int[0, 13]).Sample((text, length) =>
    {
        Strict.GetBytes(StorableText.Sanitize(text));
        Strict.GetBytes(StorableText.Strip(text));
        Strict.GetBytes(TextLimit.Cut(StorableText.Sanitize(text), length));
        Assert.DoesNotContain('\0', StorableText.Sanitize(text) + StorableText.Strip(text));
    });

    [Fact]
    public void Escaped_NUL_is_removed_from_JSON_and_an_escaped_backslash_is_not_part_of_it() =>
        Assert.Equal("""{"a":"b","c":"\\u0000"}""", StorableText.SanitizeJson("""{"a":"\u0000b","c":"\\u0000\u0000"}"""));

    [Fact]
    public void A_lenient_string_is_the_same_text_that_was_escaped() => Texts.Sample(text =>
    {
        using var json = JsonDocument.Parse('"' + string.Concat(text.Select(c => $"\\u{(int)c:x4}")) + '"');

        Assert.Equal(text, LenientJsonString.Read(json.RootElement));
        Assert.Equal(
            text.Where((_, at) => StorableText.IsLoneSurrogate(text, at)).Any() ? null : text,
            LenientJsonString.ReadWellFormed(json.RootElement));
    });

    [Theory]
    [InlineData("ab\ud83d\ude00", 3, "ab")]
    [InlineData("ab\ud83d\ude00", 4, "ab\ud83d\ude00")]
    [InlineData("ab", 0, "")]
    [InlineData("ab", 9, "ab")]
    public void A_text_is_never_cut_inside_a_surrogate_pair(string text, int longest, string cut) =>
        Assert.Equal(cut, TextLimit.Cut(text, longest));
}
