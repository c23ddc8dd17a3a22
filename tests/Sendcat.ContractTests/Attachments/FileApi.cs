using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Sendcat.ApiService.Attachments;
using Sendcat.TestKit.Processes;
using Sendcat.UpstreamEmulator;

namespace Sendcat.ContractTests.Attachments;

/// <summary>The API with the emulated model and a file store of its own: a folder, or the emulated S3.</summary>
internal sealed class FileApi : IAsyncDisposable
{
    private readonly TestFolder _folder = new("attachments");

    private FileApi(UpstreamEmulatorHost emulator) => Emulator = emulator;

    public SendcatApi Api { get; private set; } = null!;

    public UpstreamEmulatorHost Emulator { get; }

    /// <summary>Full paths of all files of the folder store.</summary>
    public string[] Files => Directory.Exists(_folder.Path) ? Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories) : [];

    /// <summary>Starts the API with a folder store, unless a knob says otherwise.</summary>
    public static async Task<FileApi> StartAsync(PostgresFixture postgres, params (string Name, string Value)[] knobs)
    {
        var files = new FileApi(await UpstreamEmulatorHost.StartAsync());
        var settings = new Dictionary<string, string>
        {
            ["FILES_FOLDER"] = files._folder.Path,
            ["FILES_S3_URL"] = files.Emulator.S3.ToString(),
            ["FILES_S3_BUCKET"] = "files",
            ["FILES_S3_ACCESS_KEY"] = "emulator",
            ["FILES_S3_SECRET_KEY"] = "emulator",
            ["OPENROUTER_BASE_URL"] = files.Emulator.OpenRouter.ToString(),
            ["OPENROUTER_API_KEY"] = "test",
            ["CHAT_GUEST_MODELS"] = "*",
            ["AUTH_CONFIRMED_DOMAINS"] = "example.com",
        };
        foreach (var (name, value) in knobs)
        {
            settings[name] = value;
        }

        // The sweeper runs only when a test calls it, so that a test knows what has been swept.
        files.Api = await SendcatApi.StartAsync(postgres, settings, services =>
        {
            services.Remove(services.Single(service => service.ImplementationType == typeof(AttachmentSweeper)));
            services.AddSingleton<AttachmentSweeper>();
        });
        return files;
    }

    /// <summary>Bytes that begin as a PNG. Nothing decodes them.</summary>
    public static byte[] Png(int size = 2_000) =>
        [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, .. RandomNumberGenerator.GetBytes(size - 8)];

    public static byte[] Pdf(int size = 2_000) => [.. "%PDF-1.7\n"u8, .. RandomNumberGenerator.GetBytes(size - 9)];

    public static string Hash(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    public static Task<HttpResponseMessage> PostAsync(
        HttpClient client, byte[] content, string name = "photo.png", string type = "image/png", string field = "file")
    {
        var file = new ByteArrayContent(content);
        file.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        return client.PostAsync("/api/attachments", new MultipartFormDataContent { { file, field, name } });
    }

    /// <summary>Uploads a file and returns its id.</summary>
    public static async Task<string> UploadAsync(HttpClient client, byte[] content, string name = "photo.png") =>
        (string)(await (await PostAsync(client, content, name)).JsonAsync())["id"]!;

    public static async Task<HttpStatusCode> StatusAsync(HttpClient client, string id)
    {
        using var response = await client.GetAsync($"/api/attachments/{id}");
        return response.StatusCode;
    }

    public static async Task<string> NewThreadAsync(HttpClient client) =>
        (string)(await (await client.PostAsJsonAsync("/api/threads", new { })).JsonAsync())["id"]!;

    public static Task<HttpResponseMessage> SendAsync(HttpClient client, string thread, string content, params string[] files) =>
        client.PostAsJsonAsync(
            $"/api/threads/{thread}/messages", new { content, attachments = files.Select(id => new { storageId = id }) });

    /// <summary>Runs a turn to its end.</summary>
    /// <returns>The events in their order.</returns>
    public static async Task<List<JsonNode>> ChatAsync(HttpClient client, object body)
    {
        using var response = await client.PostAsJsonAsync("/api/chat", body);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return [
            .. text.Split('\n').Where(line => line.StartsWith("data: {", StringComparison.Ordinal))
                .Select(line => JsonNode.Parse(line["data: ".Length..])!)];
    }

    public static string Answer(IEnumerable<JsonNode> events) =>
        string.Concat(
            events.Select(
                e => (string?)e["type"] switch { "content" => (string)e["content"]!, "text-delta" => (string)e["delta"]!, _ => "" }));

    /// <summary>Deletes all files, so that a test leaves none behind that another one would find.</summary>
    public async Task EmptyAsync()
    {
        await Api.ExecuteAsync("delete from attachments");
        await SweepAsync();
        Assert.Empty(Files);
    }

    public Task<int> SweepAsync() => Api.Services.GetRequiredService<AttachmentSweeper>().SweepAsync(CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await Api.DisposeAsync();
        await Emulator.DisposeAsync();
        _folder.Dispose();
    }
}

/// <summary>One API with a folder store for all tests of a class.</summary>
public sealed class FileApiFixture(PostgresFixture postgres) : IAsyncLifetime
{
    internal FileApi Files { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Files = await FileApi.StartAsync(postgres);

    public ValueTask DisposeAsync() => Files.DisposeAsync();
}
