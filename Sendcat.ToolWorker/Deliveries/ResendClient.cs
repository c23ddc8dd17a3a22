using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Sendcat.Integrations.Mail;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Outbound;
using Sendcat.ToolWorker.Upstreams;

namespace Sendcat.ToolWorker.Deliveries;

/// <summary>Sends mails through Resend, with one request for each attempt of the job.</summary>
internal sealed class ResendClient(Upstream upstream, IOptionsMonitor<MailOptions> options)
{
    /// <param name="mail">The mail. With the same key it must be the same.</param>
    /// <param name="idempotencyKey">Resend sends one mail per key within 24 h.</param>
    /// <returns>Resend's id of the mail.</returns>
    public async Task<UpstreamResult<string>> SendAsync(Mail mail, Guid idempotencyKey, CancellationToken cancellationToken)
    {
        var settings = options.CurrentValue;
        if (settings.ApiKey.Length == 0)
        {
            return new UpstreamError("RESEND_API_KEY is not set.", Retryable: false) { IsMisconfigured = true };
        }

        return await upstream.RequestAsync(
            ResendProvider.Policy.ForJobs(CancellationToken.None), Request, response => response.Id("id"), cancellationToken);

        HttpRequestMessage Request() => new(HttpMethod.Post, $"{settings.BaseUrl.TrimEnd('/')}/emails")
        {
            Headers =
            {
                { "Authorization", $"Bearer {settings.ApiKey}" },
                { "Idempotency-Key", idempotencyKey.ToString("D") },
            },
            Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(mail, MailJson.Default.Mail))
            {
                Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
            },
        };
    }
}
