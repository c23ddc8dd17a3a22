using System.Net;

namespace Sendcat.EndToEndTests;

[Collection(RunningSystem.OneAtATime)]
public sealed class SystemTests(RunningSystem system) : IClassFixture<RunningSystem>
{
    [Theory]
    [InlineData("api", "/health")]
    [InlineData("tool-worker", "/health")]
    [InlineData("monitor", "/alive")]
    public async Task Every_program_is_healthy_on_the_port_that_its_replicas_share(string name, string path)
    {
        using var client = system.App.CreateHttpClient(name);

        using var answer = await client.GetAsync(path);

        Assert.True(answer.StatusCode is HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("redis", "password=")]
    [InlineData("sendcatdb", "Database=sendcatdb")]
    [InlineData("messaging", "amqp://sendcat:")]
    public async Task Every_store_has_a_connection_string(string name, string part)
    {
        var connectionString = await system.App.GetConnectionStringAsync(name);

        Assert.Contains(part, connectionString, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_key_the_models_are_the_emulator()
    {
        using var client = system.App.CreateHttpClient("upstreams");

        using var answer = await client.GetAsync("/health");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }
}
