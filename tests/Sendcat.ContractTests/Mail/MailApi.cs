using Microsoft.Extensions.DependencyInjection;
using Sendcat.Integrations.Work;
using Sendcat.ToolWorker.Deliveries;
using Sendcat.ToolWorker.Jobs;
using Sendcat.UpstreamEmulator;
using Sendcat.UpstreamEmulator.Resend;

namespace Sendcat.ContractTests.Mail;

/// <summary>The API with the worker's lane of mails, and the emulated Resend that gets the mails.</summary>
internal sealed class MailApi : IAsyncDisposable
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(60);

    private MailApi(SendcatApi api, UpstreamEmulatorHost resend) => (Api, Resend) = (api, resend);

    public SendcatApi Api { get; }

    public UpstreamEmulatorHost Resend { get; }

    public static async Task<MailApi> StartAsync(PostgresFixture postgres, params (string Name, string Value)[] settings)
    {
        var resend = await UpstreamEmulatorHost.StartAsync();
        var all = new Dictionary<string, string>
        {
            ["RESEND_API_KEY"] = "re_test",
            ["RESEND_BASE_URL"] = resend.Resend.ToString(),
            ["APP_URL"] = "https://sendcat.app",
            ["OPS_API_KEY"] = SendcatApi.OpsKey,
            ["DELIVERY_RETRY_BASE_MS"] = "100",
        };
        foreach (var (name, value) in settings)
        {
            all[name] = value;
        }

        var api = await SendcatApi.StartAsync(postgres, all, services => services
            .AddDeliveries()
            .AddSingleton<HeldJobs>()
            .AddHostedService(provider => provider.GetRequiredService<HeldJobs>())
            .AddSingleton<JobRuns>()
            .AddHostedService(provider => ActivatorUtilities.CreateInstance<WorkRunner>(provider, QueuedWork.Deliveries.Lane)));
        return new(api, resend);
    }

    /// <summary>The next mail that Resend accepted, at most 60 s later.</summary>
    public async Task<ReceivedMail> NextMailAsync()
    {
        using var timeout = new CancellationTokenSource(MaxWait);
        return await Resend.NextMailAsync(timeout.Token);
    }

    /// <summary>Waits until no mail is queued or running, at most 60 s.</summary>
    public Task SettleAsync() =>
        UntilAsync("SELECT NOT EXISTS (SELECT FROM reliability.tool_jobs WHERE tool = 'deliveries' AND status IN ('queued', 'running'))");

    /// <summary>Waits until the query returns true, at most 60 s. For a state of jobs, which no signal reports.</summary>
    public async Task UntilAsync(string query)
    {
        using var timeout = new CancellationTokenSource(MaxWait);
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await Api.ScalarAsync<bool>(query))
        {
            await poll.WaitForNextTickAsync(timeout.Token);
        }
    }

    /// <summary>The one link of the mail to this page of the web app, as its text contains it.</summary>
    public static Uri LinkIn(ReceivedMail mail, string page) =>
        new(mail.Text!.Split(' ', '\n').Single(word => word.StartsWith($"https://sendcat.app/{page}?", StringComparison.Ordinal)));

    /// <summary>The token in the link of the mail to this page.</summary>
    public static string TokenIn(ReceivedMail mail, string page) =>
        Uri.UnescapeDataString(
            LinkIn(mail, page).Query.TrimStart('?').Split('&')
                .Single(part => part.StartsWith("token=", StringComparison.Ordinal))["token=".Length..]);

    public async ValueTask DisposeAsync()
    {
        await Api.DisposeAsync();
        await Resend.DisposeAsync();
    }
}
