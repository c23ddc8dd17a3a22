using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Sendcat.Integrations.Providers;
using Sendcat.Integrations.WhatsApp;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.Outbound;
using Sendcat.ToolWorker.Upstreams;

namespace Sendcat.ToolWorker.Messages;

/// <summary>Calls the Graph API of Meta: looks up and downloads files of messages, and sends replies.</summary>
internal sealed class GraphClient(Upstream upstream, IOptionsMonitor<WhatsAppOptions> options)
{
    /// <summary>Looks up the present address of a file. It lives for about five minutes.</summary>
    public async Task<UpstreamResult<MediaAddress>> FindMediaAsync(string id, CancellationToken cancellationToken)
    {
        var settings = options.CurrentValue;
        return settings.AccessToken.Length == 0
            ? Misconfigured("WHATSAPP_ACCESS_TOKEN")
            : await upstream.RequestAsync(
                WhatsAppGraphProvider.Policy.ForJobs(CancellationToken.None),
                () => Authorized(HttpMethod.Get, $"{BaseOf(settings)}/{Uri.EscapeDataString(id)}", settings),
                response => response.Text("url") is { } url
                    ? new MediaAddress(url, response.Number("file_size"), response.Text("sha256"))
                    : null,
                cancellationToken);
    }

    /// <summary>Downloads a file. Redirects are not followed.</summary>
    /// <param name="address">An address that <see cref="IsTrusted"/> accepts: the access token is sent to it.</param>
    public Task<UpstreamResult<byte[]>> DownloadAsync(Uri address, CancellationToken cancellationToken)
    {
        var settings = options.CurrentValue;
        return upstream.DownloadAsync(
            WhatsAppGraphProvider.DownloadPolicy(settings.MediaMaxBytes).ForJobs(CancellationToken.None),
            () => Authorized(HttpMethod.Get, address.AbsoluteUri, settings),
            cancellationToken);
    }

    /// <summary>Whether files may be downloaded from this address: HTTPS on a host of Meta, or the configured Graph API itself.</summary>
    public bool IsTrusted(string address, out Uri trusted)
    {
        var settings = options.CurrentValue;
        return Uri.TryCreate(address, UriKind.Absolute, out trusted!)
            && trusted.UserInfo.Length == 0
            && ((trusted.Scheme == Uri.UriSchemeHttps && trusted.IsDefaultPort
                    && settings.MediaHosts.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                        .Contains(trusted.IdnHost, StringComparer.OrdinalIgnoreCase))
                || (Uri.TryCreate(
                    settings.GraphBaseUrl, UriKind.Absolute,
                    out var graph) && trusted.Scheme == graph.Scheme && trusted.Authority == graph.Authority));
    }

    /// <summary>Sends a text.</summary>
    /// <returns>Meta's id of the message.</returns>
    public async Task<UpstreamResult<string>> SendAsync(WhatsAppReply reply, CancellationToken cancellationToken)
    {
        var settings = options.CurrentValue;
        return settings.AccessToken.Length == 0 ? Misconfigured("WHATSAPP_ACCESS_TOKEN")
            : settings.PhoneNumberId.Length == 0 ? Misconfigured("WHATSAPP_PHONE_NUMBER_ID")
            : await upstream.RequestAsync(
                WhatsAppGraphProvider.Policy.ForJobs(CancellationToken.None),
                () =>
                {
                    var request = Authorized(HttpMethod.Post, $"{BaseOf(settings)}/{settings.PhoneNumberId}/messages", settings);
                    request.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(BodyOf(reply, settings)));
                    request.Content.Headers.ContentType = new("application/json");
                    return request;
                },
                response => response.Items("messages").Select(message => message.Text("id")).FirstOrDefault(id => id is not null),
                cancellationToken);
    }

    private static JsonObject BodyOf(WhatsAppReply reply, WhatsAppOptions settings)
    {
        var body = new JsonObject { ["messaging_product"] = "whatsapp", ["recipient_type"] = "individual" };
        body[reply.Phone is null ? settings.ReplyField : "to"] = reply.Phone ?? reply.UserId;
        body["type"] = "text";
        body["text"] = new JsonObject { ["body"] = reply.Text, ["preview_url"] = false };
        if (reply.ReplyTo is { } quoted)
        {
            body["context"] = new JsonObject { ["message_id"] = quoted };
        }

        return body;
    }

    private static HttpRequestMessage Authorized(HttpMethod method, string address, WhatsAppOptions settings) =>
        new(method, address) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", settings.AccessToken) } };

    private static string BaseOf(WhatsAppOptions settings) => $"{settings.GraphBaseUrl.TrimEnd('/')}/{settings.GraphVersion}";

    private static UpstreamError Misconfigured(string knob) => new($"{knob} is not set.", Retryable: false) { IsMisconfigured = true };
}

/// <summary>Where a file is at present.</summary>
/// <param name="Bytes">Its size; null: unknown.</param>
/// <param name="Sha256">Hexadecimal hash; null without one.</param>
internal sealed record MediaAddress(string Address, double? Bytes, string? Sha256);
