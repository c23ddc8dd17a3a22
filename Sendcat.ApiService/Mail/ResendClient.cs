using System.Net.Http.Headers;
using Microsoft.Extensions.Options;
using Polly;

namespace Sendcat.ApiService.Mail;

/// <summary>
/// Sends mails through Resend. One attempt with a timeout of 10 s (<see cref="OutboundResilience"/>) and no retry: a lost mail is better
/// than a duplicate, and the user can request it again.
/// </summary>
internal sealed class ResendClient(HttpClient http, IOptionsMonitor<MailOptions> options, ILogger<ResendClient> logger)
{
    /// <summary>Sends the mail. Failures are logged and not thrown.</summary>
    /// <param name="mail">The mail.</param>
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
                logger.MailRejected(idempotencyKey, (int)response.StatusCode);
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or ExecutionRejectedException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            logger.MailFailed(idempotencyKey, exception.GetType().Name);
        }
    }
}
