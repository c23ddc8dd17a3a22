using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class ArgumentWordsTests
{
    [Theory]
    [InlineData("Kettle", "'Kettle':*")]
    [InlineData("  red-kettle, 12.5 ", "'red':* & 'kettle':* & '12':* & '5':*")]
    [InlineData("it's | !x & (", "'it':* & 's':* & 'x':*")]
    [InlineData("käse", """('käse':* | ('k':* & 'u00E4se':*))""")]
    public void A_query_has_each_word_as_the_beginning_of_a_word(string text, string query) =>
        Assert.Equal(query, ArgumentWords.QueryOf(text));

    [Theory]
    [InlineData("- ! '")]
    [InlineData("")]
    public void Text_without_letters_and_digits_has_no_words(string text) => Assert.False(ArgumentWords.Any(text));
}
