using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Mail;

namespace Sendcat.ApiService.Identity;

/// <summary>
/// Sends reset links beside the request that asked for them. Whether an account exists is looked up here, after the answer has gone out, so that not even its timing tells.
/// </summary>
internal sealed class ResetMails(IServiceScopeFactory scopes, IOptionsMonitor<MailOptions> options, TimeProvider time, ILogger<ResetMails> logger) : BackgroundService
{
    /// <summary>More than this many waiting means somebody floods us; what comes on top is dropped.</summary>
    private const int MostWaiting = 1_000;

    private readonly Channel<string> waiting = Channel.CreateBounded<string>(new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Ask(string email) => waiting.Writer.TryWrite(email);

    /// <summary>What is waiting is still sent, within the host's shutdown time.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        waiting.Writer.TryComplete();
        if (ExecuteTask is { } sending)
        {
            await Task.WhenAny(sending, Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken));
        }

        await base.StopAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var email in waiting.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                await SendAsync(email, stoppingToken);
            }
            catch (Exception fault) when (!stoppingToken.IsCancellationRequested)
            {
                logger.ResetMailFailed(fault);
            }
        }
    }

    private async Task SendAsync(string email, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var users = scope.ServiceProvider.GetRequiredService<UserManager<SendcatUser>>();
        if (await users.FindByEmailAsync(email) is not { PasswordHash: not null, Email: { } address } user)
        {
            return;
        }

        var settings = options.CurrentValue;
        var token = await users.GeneratePasswordResetTokenAsync(user);
        var link = Link(settings.AppUrl, token);
        var mail = new Mail.Mail(
            settings.From,
            address,
            "Reset your Sendcat password",
            $"""<p>Somebody, hopefully you, asked to reset your Sendcat password.</p><p><a href="{WebUtility.HtmlEncode(link)}">Choose a new password</a></p><p>The link works once, for one hour. If it was not you, do nothing.</p>""",
            $"Somebody, hopefully you, asked to reset your Sendcat password.\n\nChoose a new password: {link}\n\nThe link works once, for one hour. If it was not you, do nothing.\n");
        await scope.ServiceProvider.GetRequiredService<ResendClient>().SendAsync(mail, $"reset-{Guid.CreateVersion7(time.GetUtcNow()):N}", cancellationToken);
    }

    /// <summary>Only web links go into mails; anything else becomes <c>#</c>.</summary>
    private static string Link(string appUrl, string token) =>
        Uri.TryCreate(appUrl, UriKind.Absolute, out var app) && (app.Scheme is "http" or "https")
            ? $"{appUrl.TrimEnd('/')}/reset-password?token={Uri.EscapeDataString(token)}"
            : "#";
}
