using System.CommandLine;
using Sendcat.Integrations;
using Sendcat.KillRig.Ledger;
using Sendcat.Reliability;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Waiting;
using Sendcat.ServiceDefaults.Broker;

namespace Sendcat.KillRig.Submitting;

/// <summary>A process that submits tool jobs like a replica of the API, with the same service registrations and the same client.</summary>
internal static class SubmitterProgram
{
    public static Command Command()
    {
        var index = new Option<int>("--index");
        var ledger = new Option<string>("--ledger") { Required = true };
        var rate = new Option<double>("--rate");
        var poison = new Option<long[]>("--poison") { AllowMultipleArgumentsPerToken = true };
        var command = new Command("submitter", "Part of a run.") { index, ledger, rate, poison };
        command.Hidden = true;
        command.SetAction((parsed, cancellationToken) => RunAsync(
            new(parsed.GetValue(index), parsed.GetValue(rate), parsed.GetValue(poison) ?? []), parsed.GetRequiredValue(ledger),
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(SubmitterLoad load, string ledger, CancellationToken cancellationToken)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.AddServiceDefaults();
        builder.AddRedisClient("redis");
        builder.AddSendcatDataSource(maxConnections: 4);
        builder.AddRabbitMQClient("messaging");
        builder.Services.AddReliability()
            .AddIntegrations()
            .AddToolCache()
            .AddToolJobs(services => services.GetRequiredService<BrokerConnection>().OpenAsync);
        builder.Services.AddSingleton(load);
        builder.Services.AddSingleton(_ => new LedgerFile(ledger, TimeProvider.System));
        builder.Services.AddSingleton<ILoggerProvider, JobIdRecorder>();
        builder.Services.AddHostedService<TurnSubmitter>();
        builder.Logging.AddFilter<JobIdRecorder>(
            (category, level) => category == typeof(ToolJobClient).FullName && level >= LogLevel.Debug);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(30));
        await builder.Build().RunAsync(cancellationToken);
        return 0;
    }
}

/// <summary>The load of one submitter.</summary>
/// <param name="Index">The index of the submitter.</param>
/// <param name="PerSecond">The turns per second.</param>
/// <param name="PoisonAt">The times of the poisonous jobs (Unix time, ms).</param>
internal sealed record SubmitterLoad(int Index, double PerSecond, IReadOnlyList<long> PoisonAt);
