using System.Text.Json;
using Sendcat.Reliability.Outbound;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class UpstreamJsonTests
{
    [Theory]
    [InlineData("""{"title":"Ket\u0000tle"}""", "Kettle")]
    [InlineData("""{"title":"\u0000 ","name":"Kettle"}""", "Kettle")]
    [InlineData("""{"title":"Ket\ud83dtle"}""", "Kettle")]
    [InlineData("""{"title":"Ket\uDE00\u0074le\uD83D"}""", "Kettle")]
    [InlineData("""{"title":"Ke\u0074tle \ud83d\ude00\ud83d"}""", "Kettle 😀")]
    [InlineData("""{"title":"\"Kettle\" \\ud83d \ud83d"}""", "\"Kettle\" \\ud83d")]
    [InlineData("""{"title":7.50}""", "7.50")]
    public void Texts_contain_no_characters_that_Postgres_cannot_store(string json, string text)
    {
        using var document = JsonDocument.Parse(json);

        Assert.Equal(text, document.RootElement.Text("title", "name"));
    }

    [Theory]
    [InlineData("""{"\ud800 of another":1,"title":"Kettle"}""", "Kettle")]
    [InlineData("""{"title":"Kettle","\ud800 of another":1}""", "Kettle")]
    [InlineData("""{"title":"Pot","title":"Kettle","\udfff of another":1}""", "Kettle")]
    [InlineData("""{"tit\ud800 of another":1}""", null)]
    public void A_name_that_is_no_text_hides_no_other_property(string json, string? text)
    {
        using var document = JsonDocument.Parse(json);

        Assert.Equal(text, document.RootElement.Text("title"));
    }
}
