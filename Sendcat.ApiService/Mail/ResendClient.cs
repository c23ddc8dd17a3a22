using System.Net.Http.Headers;
using Microsoft.Extensions.Options;
using Polly;

namespace Sendcat.ApiService.Mail;

/// <summary>Hands mails to Resend. One try with 10 s to answer (<see cref="OutboundResilience"/>): a mail is better lost than sent twice, and the reader can ask again.</summary>
internal sealed class ResendClient(HttpClient http, IOptionsMonitor<MailOptions> options, ILogger<ResendClient> logger)
{
    /// <param name="idempotencyKey">1–256 characters; Resend sends one mail per key within 24 h.</param>
    public async Task SendAsync(Mail mail, string idempotencyKey, CancellationToken cancellationToken)
    {
        var settings = options.CurrentValue;
        if (string.IsNullOrEmpty(settings.ApiKey))
        {
            logger.MailNotConfigured(idempotencyKey);
            return;
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, $"{settings.BaseUrl.TrimEnd('/')}/emails");
        request.Content = JsonContent.Create(mail, MailJson.Default.Mail);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", settings.ApiKey);
        request.Headers.Add("Idempotency-Key", idempotencyKey);
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("sendcat", "1.0"));
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (response.IsSuccessStatusCode)
            {
                logger.MailSent(idempotencyKey);
            }
            else
            {
                logger.MailRefused(idempotencyKey, (int)response.StatusCode);
            }
        }
        catch (Exception away) when (away is HttpRequestException or ExecutionRejectedException || (away is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            logger.MailFailed(idempotencyKey, away.GetType().Name);
        }
    }
}
