using System.Security.Cryptography;
using System.Text.Json;
using Sendcat.UpstreamEmulator.Markers;
using Sendcat.UpstreamEmulator.Rest;
using Sendcat.UpstreamEmulator.Stats;

namespace Sendcat.UpstreamEmulator.WhatsApp;

/// <summary>Emulates the Graph API for WhatsApp under <c>/graph</c>: the lookup and the download of files, and sending.</summary>
internal sealed class GraphUpstream(
    RestRequestHandler handler, MediaFiles files, SentMessages sent, EmulatorStats stats, StandingDirections<RestDirections> standing,
    AttemptCounter attempts, TimeProvider clock)
    : IRestUpstream
{
    private const string Bearer = "Bearer ";

    public string Name => "whatsapp";

    public RestResponse Refuse(int status, string? message = null) => status switch
    {
        401 => Error(401, 190, message ?? "Invalid OAuth access token."),
        403 => Error(403, 10, message ?? "Application does not have permission for this action"),
        404 => Error(404, 100, message ?? "Unsupported get request."),
        429 => Error(429, 80007, message ?? "Rate limit issues"),
        >= 500 => Error(status, 131000, message ?? "Something went wrong"),
        _ => Error(status, 100, message ?? "Invalid parameter"),
    };

    public Task FindAsync(HttpContext http, string id) =>
        handler.ServeAsync(http, this, new("media", id, RefusalOf(http), (_, directions) => Lookup(http, id, directions)));

    /// <summary>
    /// Sends the bytes of a file. It takes the settings <c>status</c>, <c>message</c> (the target of a redirect) and <c>giant</c>.
    /// </summary>
    public async Task DownloadAsync(HttpContext http, string address)
    {
        var call = stats.Start(Name, "download");
        try
        {
            var directions = new RestDirections();
            foreach (var block in standing.Blocks.Where(
                    block => block.AppliesTo(Name, "download") && attempts.StillApplies(block, $"{Name}/download", "")))
            {
                block.ApplyTo(directions);
            }

            var file = files.At(address);
            http.Response.StatusCode = RefusalOf(http) is not null ? 401 : directions.Status ?? (file is null ? 404 : 200);
            if (http.Response.StatusCode is >= 300 and < 400)
            {
                http.Response.Headers.Location = directions.Message ?? "http://169.254.169.254/latest/meta-data/";
            }

            if (http.Response.StatusCode != 200)
            {
                call.Refused();
                return;
            }

            http.Response.ContentType = file!.MediaType;
            await http.Response.Body.WriteAsync(file.Bytes, http.RequestAborted);
            if (directions.GiantBytes > file.Bytes.Length)
            {
                await http.Response.Body.WriteAsync(new byte[directions.GiantBytes - file.Bytes.Length], http.RequestAborted);
            }

            call.Completed();
        }
        finally
        {
            call.Broken(); // has no effect when the call has already ended in another way
        }
    }

    public async Task SendAsync(HttpContext http)
    {
        JsonElement body;
        try
        {
            using var json = await JsonDocument.ParseAsync(http.Request.Body, cancellationToken: http.RequestAborted);
            body = json.RootElement.Clone();
        }
        catch (JsonException)
        {
            await handler.ServeAsync(http, this, Refused("messages", Refuse(400)));
            return;
        }

        // Both fields are accepted, because accounts differ.
        var to = Text(body, "to") ?? Text(body, "recipient");
        var text = body.TryGetProperty("text", out var content) ? Text(content, "body") : null;
        var refusal = RefusalOf(
            http) ?? (Text(body, "messaging_product") != "whatsapp" || to is null || text is not { Length: > 0 and <= 4096 }
                ? Refuse(400)
                : null);
        await handler.ServeAsync(http, this, new("messages", to ?? "", refusal, (_, _) => Accept(body, to!, text!)) { Body = body });
    }

    private RestResponse Lookup(HttpContext http, string id, RestDirections directions) =>
        files.Find(id) is not { } file
            ? Refuse(404)
            : RestResponse.Of(new
            {
                messaging_product = "whatsapp",
                url = directions.Message
                    ?? $"{http.Request.Scheme}://{http.Request.Host}/graph/files/{files.NewAddress(id, directions.ExpiresInMs)}",
                mime_type = file.MediaType,
                sha256 = Convert.ToHexStringLower(file.Sha256),
                file_size = file.Bytes.Length,
                id,
            });

    private RestResponse Accept(JsonElement body, string to, string text)
    {
        var id = $"wamid.{Convert.ToBase64String(RandomNumberGenerator.GetBytes(24))}";
        sent.Add(
            new(id, clock.GetUtcNow(), to, text, body.TryGetProperty("context", out var context) ? Text(context, "message_id") : null));
        return RestResponse.Of(
            new { messaging_product = "whatsapp", contacts = new[] { new { input = to, wa_id = to } }, messages = new[] { new { id } } });
    }

    private RestResponse? RefusalOf(HttpContext http) =>
        http.Request.Headers.Authorization.ToString() is var header && header.StartsWith(Bearer, StringComparison.Ordinal)
            && ApiKey.IsValid(header[Bearer.Length..])
            ? null
            : Refuse(401);

    private static RestRequest Refused(string route, RestResponse refusal) => new(route, "", refusal, (_, _) => refusal);

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind is JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String
            ? value.GetString()
            : null;

    private static RestResponse Error(int status, int code, string message) =>
        RestResponse.Of(new { error = new { message, type = "OAuthException", code, fbtrace_id = "emulator" } }, status);
}
