using Sendcat.ServiceDefaults.Postgres;
using Sendcat.ServiceDefaults.Telemetry;

namespace Sendcat.UnitTests.ServiceDefaults;

public sealed class SpanNameTests
{
    [Theory]
    [InlineData("-- claim tool jobs\nWITH running AS (SELECT 1) SELECT 2", "claim tool jobs")]
    [InlineData("-- read thread\r\n\r\nSELECT t.id FROM threads AS t", "read thread")]
    [InlineData("SELECT t.id, t.title\nFROM threads AS t\nWHERE t.id = @id", "SELECT threads")]
    [InlineData("INSERT INTO reliability.tool_jobs (id) VALUES ($1);", "INSERT tool_jobs")]
    [InlineData("UPDATE \"threads\" SET title = 'x'", "UPDATE threads")]
    [InlineData("delete from refresh_tokens r where id = $1", "DELETE refresh_tokens")]
    [InlineData("SELECT EXISTS (SELECT FROM favorite_lists WHERE id = $1)", "SELECT favorite_lists")]
    [InlineData("SELECT 1;", "SELECT")]
    [InlineData("", "postgresql")]
    public void A_statement_span_has_the_name_of_the_statement_or_its_verb_and_table(string sql, string name) =>
        Assert.Equal(name, StatementName.Of(sql));

    [Fact]
    public void A_batch_span_has_the_names_of_its_distinct_statements() =>
        Assert.Equal(
            "lock lanes, enter tool jobs",
            StatementName.OfBatch(["-- lock lanes\nSELECT 1", "-- enter tool jobs\nSELECT 2", "-- enter tool jobs\nSELECT 3"]));

    [Theory]
    [InlineData("https://openrouter.ai/api/v1/chat/completions", "GET openrouter.ai/api/v1/chat/completions")]
    [InlineData("https://api.ebay.com/identity/v1/oauth2/token", "GET api.ebay.com/identity/v1/oauth2/token")]
    [InlineData(
        "https://api.ebay.com/buy/browse/v1/item/v1%7C256103840915%7C0?fieldgroups=PRODUCT", "GET api.ebay.com/buy/browse/v1/item/{id}")]
    [InlineData("http://127.0.0.1:5301/serper/search?q=secret", "GET 127.0.0.1/serper/search")]
    public void A_request_span_has_the_host_and_path_without_ids_and_query(string address, string name) =>
        Assert.Equal(name, HttpSpanName.Of(new(HttpMethod.Get, address)));
}
