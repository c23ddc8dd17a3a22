using System.Text.Json.Nodes;
using Sendcat.ApiService.Providers;

namespace Sendcat.UnitTests.Providers;

/// <summary>Which files of a conversation reach the provider, and what the client is notified of the others.</summary>
public sealed class RequestFilesTests : IDisposable
{
    private const string Finished = """
        data: {"choices":[{"delta":{"content":"ok"},"finish_reason":"stop"}]}

        data: [DONE]


        """;

    private readonly ScriptedProvider _provider = new();

    public void Dispose() => _provider.Dispose();

    [Theory]
    [InlineData("openai/gpt-5", null, null)]
    [InlineData("moonshotai/kimi-k2.5", null, "model_no_files")]
    [InlineData("deepseek/deepseek-r1", "model_no_images", "model_no_files")]
    public async Task A_model_gets_the_files_that_it_accepts_and_a_note_for_each_other_one(string model, string? image, string? pdf)
    {
        _provider.Gateway.ProviderFailoverEnabled = false;
        _provider.RespondsWith(Finished);
        var (events, failure) = await _provider.RunAsync(
            Request(model, Stored("photo.png", "image/png"), Stored("bill.pdf", "application/pdf"), Stored("IMG_1.heic", "image/heic")));

        Assert.Null(failure);
        string?[] expected = [image, pdf, image ?? "type_not_supported"];
        Assert.Equal(expected.OfType<string>(), LeftOut(events).Select(file => file.Reason));
        var content = JsonNode.Parse(_provider.Requests[0].Body)!["messages"]!.AsArray()[^1]!["content"]!;
        var parts = content is JsonArray array ? array.Select(part => (string)part!["type"]!).ToArray() : ["text"];
        Assert.Equal(
            [
                .. new[] { "text" }, .. image is null ? ["image_url"] : Array.Empty<string>(),
                .. pdf is null ? ["file"] : Array.Empty<string>(),
            ],
            parts);
        Assert.Contains("You cannot see it", content.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_route_that_takes_over_gets_the_files_that_its_own_model_accepts()
    {
        _provider.Knobs.AgentSecondaryModel = "deepseek/deepseek-chat";
        _provider.Refuses(503).RespondsWith(Finished);

        var (events, _) = await _provider.RunAsync(Request("openai/gpt-5", Stored("photo.png", "image/png")));

        Assert.Equal("model_no_images", Assert.Single(LeftOut(events)).Reason);
        Assert.Contains("base64", _provider.Requests[0].Body, StringComparison.Ordinal);
        Assert.DoesNotContain("base64", _provider.Requests[^1].Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_deleted_file_and_an_unavailable_store_do_not_end_the_turn()
    {
        _provider.RespondsWith(Finished).RespondsWith(Finished);
        var request = Request("openai/gpt-5", Stored("photo.png", "image/png"), new(null, "image/png", "old.png"));
        _provider.Store.Files.Clear();
        var (missing, _) = await _provider.RunAsync(request);
        _provider.Store.IsUnavailable = true;
        var (away, failure) = await _provider.RunAsync(request);

        Assert.Null(failure);
        Assert.Equal(["file_missing", "file_missing"], LeftOut(missing).Select(file => file.Reason));
        Assert.Equal(["store_unavailable", "file_missing"], LeftOut(away).Select(file => file.Reason));
    }

    [Fact]
    public async Task A_file_that_fails_while_it_is_sent_is_no_failure_of_the_provider()
    {
        (_provider.Gateway.ProviderFailoverEnabled, _provider.Knobs.PrimaryRetries) = (false, 0);
        _provider.Store.ContentIsUnavailable = true;

        var (_, failure) = await _provider.RunAsync(Request("openai/gpt-5", Stored("photo.png", "image/png")));

        Assert.Equal(
            ("upstream_unavailable", true, CircuitVerdict.Neutral), (failure!.Error.Code, failure.Error.Retryable, failure.Verdict));
        Assert.Empty(_provider.Requests);
    }

    private ProviderAttachment Stored(string name, string type)
    {
        _provider.Store.Files[name] = [1, 2, 3];
        return new(null, type, name) { Id = name, Key = name, Size = 3 };
    }

    private static ProviderRequest Request(string model, params ProviderAttachment[] files) =>
        ScriptedProvider.Request(model) with { Messages = [new("user", "what is this?") { Attachments = files }] };

    private static IEnumerable<ProviderEvent.FileLeftOut> LeftOut(IEnumerable<ProviderEvent> events) =>
        events.OfType<ProviderEvent.FileLeftOut>();
}
