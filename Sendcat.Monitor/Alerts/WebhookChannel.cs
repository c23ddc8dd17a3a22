using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sendcat.Reliability.Alerts;
using StandardWebhooks;

namespace Sendcat.Monitor.Alerts;

/// <summary>
/// Posts every message about an alert to one address, signed after Standard Webhooks. The body also has a field <c>text</c>, which Slack
/// and Mattermost show. A message that is sent again has the same <c>webhook-id</c>.
/// </summary>
internal sealed class WebhookChannel : IAlertChannel
{
    private const string IdHeader = "webhook-id";
    private const string TimestampHeader = "webhook-timestamp";
    private const string SignatureHeader = "webhook-signature";

    private static readonly TimeSpan SendTimeout = TimeSpan.FromSeconds(5);

    private readonly HttpClient _http;
    private readonly Uri? _address;
    private readonly StandardWebhook? _signer;
    private readonly TimeProvider _clock;

    /// <param name="address"><c>ALERT_WEBHOOK_URL</c>; empty: the channel takes nothing.</param>
    /// <param name="secret"><c>ALERT_WEBHOOK_SECRET</c>; empty: the messages are not signed.</param>
    /// <exception cref="InvalidOperationException">The address is no http or https URL, or the secret is not base64.</exception>
    public WebhookChannel(HttpClient http, string address, string secret, TimeProvider clock)
    {
        (_http, _clock) = (http, clock);
        if (address.Length > 0)
        {
            _address = Uri.TryCreate(address, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
                ? url
                : throw new InvalidOperationException("ALERT_WEBHOOK_URL is not an http or https URL.");
            _signer = secret.Length == 0 ? null : Signer(secret);
        }
    }

    public string Name => "webhook";

    public bool Takes(string kind, AlertEvent happened) => _address is not null;

    public async Task<string?> SendAsync(AlertNotice notice, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.Serialize(AlertMessage.Of(notice), AlertMessageJson.Default.AlertMessage);
        using var request = new HttpRequestMessage(HttpMethod.Post, _address)
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        Sign(request, $"msg_{notice.MessageId:N}", body);
        using var deadline = new CancellationTokenSource(SendTimeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            return response.IsSuccessStatusCode ? null : string.Create(CultureInfo.InvariantCulture, $"status {(int)response.StatusCode}");
        }
        catch (HttpRequestException)
        {
            // The message of the exception may contain the address.
            return "no connection";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return "no response in time";
        }
    }

    private void Sign(HttpRequestMessage request, string id, string body)
    {
        var now = _clock.GetUtcNow();
        request.Headers.Add(IdHeader, id);
        request.Headers.Add(TimestampHeader, now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        if (_signer is not null)
        {
            request.Headers.Add(SignatureHeader, _signer.Sign(id, now, body));
        }
    }

    private static StandardWebhook Signer(string secret)
    {
        try
        {
            return new(secret);
        }
        catch (Exception invalid) when (invalid is FormatException or ArgumentException)
        {
            throw new InvalidOperationException("ALERT_WEBHOOK_SECRET is not base64.", invalid);
        }
    }
}

/// <summary>The body of a message, in the shape that Standard Webhooks recommends.</summary>
/// <param name="Type"><c>alert.raised</c>, <c>alert.reminded</c>, <c>alert.reopened</c> or <c>alert.resolved</c>.</param>
/// <param name="Text">One line for people.</param>
internal sealed record AlertMessage(string Type, DateTime Timestamp, string Text, AlertMessageData Data)
{
    public static AlertMessage Of(AlertNotice notice)
    {
        var (alert, happened) = (notice.Alert, notice.Event.Name());
        var subject = alert.Subject.Length == 0 ? "" : $" {alert.Subject}";
        var text = notice.Event is AlertEvent.Resolved
            ? $"Resolved: {alert.Kind}{subject}"
            : $"[{alert.Severity.Name()}] {alert.Kind}{subject}: {alert.Cause} "
                + $"Look: {alert.Command} Playbook: {alert.Playbook} Over: {alert.Over}";
        return new($"alert.{happened}", notice.CreatedAt.UtcDateTime, text, new(
            $"{alert.Kind}:{alert.Subject}", alert.Kind, alert.Subject, happened, alert.Severity.Name(), alert.Cause, alert.Observed,
            alert.Threshold, alert.Command, alert.Playbook, alert.Over, alert.Tags, alert.RaisedAt.UtcDateTime,
            alert.ResolvedAt?.UtcDateTime));
    }
}

/// <param name="Key">The same from the beginning to the end of an alert: a key for PagerDuty.</param>
internal sealed record AlertMessageData(
    string Key, string Kind, string Subject, string Event, string Severity, string Cause, double Observed, double Threshold, string Command,
    string Playbook, string Over, IReadOnlyDictionary<string, string> Tags, DateTime RaisedAt, DateTime? ResolvedAt);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AlertMessage))]
internal sealed partial class AlertMessageJson : JsonSerializerContext;
