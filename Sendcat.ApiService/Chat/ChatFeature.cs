using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Gate;
using Sendcat.ApiService.Chat.History;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Chat.Replicas;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.ApiService.Identity.AccountChanges;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Snapshot;

namespace Sendcat.ApiService.Chat;

internal static class ChatFeature
{
    /// <summary>The turns of the user in threads of a guest, which stay. The others are deleted with their threads.</summary>
    private static readonly AccountContent TurnsOfAccount = new(
        "turns",
        """
        -- release turns of account
        WITH paid AS (
          UPDATE turn_costs SET caller = 'deleted', address = NULL
          WHERE caller = 'user:#' || left(encode(sha256(convert_to(@user, 'UTF8')), 'hex'), 16))
        UPDATE stream_sessions SET principal = 'deleted', status = CASE status WHEN 'streaming' THEN 'aborted' ELSE status END,
            ended_at = coalesce(ended_at, clock_timestamp())
        WHERE principal = 'user:' || @user
        """);

    public static IServiceCollection AddChat(this IServiceCollection services)
    {
        services.AddKnobs<ChatOptions>();

        // Hosted services stop in reverse order of registration: turns end first, then the journal, the heartbeat last.
        services.AddSingleton<TurnReaper>();
        services.AddHostedService<ReplicaHeartbeat>();
        services.AddHostedService<TurnCostSweeper>();
        services.AddHostedService<ReplacedTurnSweeper>();
        services.AddSingleton<TurnJournal>();
        services.AddHostedService(provider => provider.GetRequiredService<TurnJournal>());
        services.AddSingleton<TurnDirectory>();
        services.AddSingleton<MirrorStore>();
        services.AddSingleton<TurnMirrors>();
        services.AddHostedService(provider => provider.GetRequiredService<TurnMirrors>());
        services.AddSingleton<StartingTurns>();
        services.AddSingleton<TurnFailures>();
        services.AddSingleton<LiveTurns>();
        services.AddSingleton<ReplicaLoad>();
        services.AddSingleton<IProcessLoad>(provider => provider.GetRequiredService<ReplicaLoad>());
        services.AddHealthChecks().AddCheck<DrainCheck>("drain");
        services.AddHostedService(provider => provider.GetRequiredService<LiveTurns>());
        services.AddHostedService<TurnDirectoryRenewal>();
        services.AddSingleton<TurnSignals>();
        services.AddHostedService(provider => provider.GetRequiredService<TurnSignals>());
        services.AddSingleton<KeepAliveTicker>();
        services.AddHostedService(provider => provider.GetRequiredService<KeepAliveTicker>());

        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(0, ChatUiJson.Default));
        return services
            .AddSingleton(TurnsOfAccount)
            .AddSingleton<ChatAddressLimiter>()
            .AddSingleton<LargeMessages>()
            .AddSingleton<AbandonedTurns>()
            .AddSingleton<ThreadOwnership>()
            .AddSingleton<ThreadGate>()
            .AddSingleton<MoneyBudget>()
            .AddSingleton<TurnModel>()
            .AddSingleton<TurnReservation>()
            .AddSingleton<NewThreads>()
            .AddSingleton<TurnFiles>()
            .AddSingleton<RequestThreads>()
            .AddSingleton<TurnAdmission>()
            .AddSingleton<ChatGate>()
            .AddSingleton<TurnStarter>()
            .AddSingleton<AnswerReplay>()
            .AddSingleton<UiHistory>()
            .AddSingleton<TurnAborts>()
            .AddSingleton<RunningTurns>()
            .AddSingleton<ThreadTurns>()
            .AddSingleton<RemoteTurn>()
            .AddSingleton<OtherReplicas>()
            .AddSingleton<ChatHealth>()
            .AddSingleton<ChatEndpoints>();
    }

    public static void MapChat(this IEndpointRouteBuilder routes) => ChatEndpoints.Map(routes);
}
