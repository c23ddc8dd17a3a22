using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;

namespace Sendcat.UpstreamEmulator.OpenRouter;

/// <summary>An image or a file of a request: a <c>data:</c> address, or a web address that the provider fetches.</summary>
/// <param name="IsImage">False: a file part, such as a PDF.</param>
internal sealed record ReceivedFile(bool IsImage, string Url)
{
    private static readonly HttpClient Client = new()
    {
        Timeout = TimeSpan.FromSeconds(5), MaxResponseContentBufferSize = 32 * 1024 * 1024,
    };

    /// <summary>The parts of a message that are no text.</summary>
    /// <exception cref="FormatException">A part has no address.</exception>
    public static IEnumerable<ReceivedFile> Of(JsonElement message) =>
        message.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.Array
            ? content.EnumerateArray().Select(Read).OfType<ReceivedFile>()
            : [];

    /// <summary>
    /// What a model can say that has really received the file: its type, its size and its hash, for instance
    /// <c>an image (image/png, 70 bytes, sha256 0a1b…)</c>.
    /// </summary>
    /// <exception cref="FormatException">The content cannot be read.</exception>
    public async Task<string> DescribeAsync(CancellationToken cancellationToken)
    {
        var (type, bytes) = Url.StartsWith("data:", StringComparison.Ordinal) ? Decode() : await FetchAsync(cancellationToken);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{(IsImage ? "an image" : "a file")} ({type}, {bytes.Length} bytes, sha256 {Convert.ToHexStringLower(SHA256.HashData(bytes))})");
    }

    /// <summary>The text that the file shows; empty: none that this model can read.</summary>
    /// <exception cref="FormatException">The content cannot be read.</exception>
    public async Task<string> ShownAsync(CancellationToken cancellationToken)
    {
        var (_, bytes) = Url.StartsWith("data:", StringComparison.Ordinal) ? Decode() : await FetchAsync(cancellationToken);
        return WhatsApp.DrawnFiles.TextOf(bytes);
    }

    private static ReceivedFile? Read(JsonElement part) => Text(part, "type") switch
    {
        "image_url" => new(true, Text(part.GetProperty("image_url"), "url") ?? throw new FormatException("image_url has no url")),
        "file" => new(false, Text(part.GetProperty("file"), "file_data") ?? throw new FormatException("file has no file_data")),
        _ => null,
    };

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private (string Type, byte[] Bytes) Decode()
    {
        var comma = Url.IndexOf(";base64,", StringComparison.Ordinal);
        return comma < 0
            ? throw new FormatException("a data address must be base64")
            : (Url["data:".Length..comma], Convert.FromBase64String(Url[(comma + ";base64,".Length)..]));
    }

    private async Task<(string Type, byte[] Bytes)> FetchAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var response = await Client.GetAsync(Url, cancellationToken);
            response.EnsureSuccessStatusCode();
            return (
                response.Content.Headers.ContentType?.MediaType ?? "unknown",
                await response.Content.ReadAsByteArrayAsync(cancellationToken));
        }
        catch (Exception failure) when (failure is HttpRequestException or InvalidOperationException)
        {
            throw new FormatException($"the file cannot be fetched: {failure.Message}", failure);
        }
    }
}
