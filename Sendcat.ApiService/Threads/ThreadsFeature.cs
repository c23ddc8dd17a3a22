using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.AccountChanges;
using Sendcat.ApiService.Identity.SignIns;
using Sendcat.ApiService.Threads.Events;
using Sendcat.ApiService.Threads.Export;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Threads;

internal static class ThreadsFeature
{
    /// <summary>No link shows a part of a snapshot.</summary>
    private static readonly AccountContent SharesOfAccount = new(
        "shares",
        """
        -- revoke shares of account
        UPDATE shared_threads SET is_revoked = TRUE WHERE id IN (
            SELECT s.id FROM threads t JOIN shared_threads s ON s.thread_id = t.id WHERE t.user_id = @user AND NOT s.is_revoked LIMIT 1000)
        """);

    private static readonly AccountContent SnapshotsOfAccount = new(
        "snapshots",
        """
        -- delete snapshots of account
        DELETE FROM shared_messages WHERE ctid = ANY(ARRAY(
            SELECT m.ctid FROM threads t JOIN shared_threads s ON s.thread_id = t.id JOIN shared_messages m ON m.share_id = s.id
            WHERE t.user_id = @user LIMIT 1000))
        """);

    /// <summary>A thread may have very many messages. It is locked before them, because they change its counters.</summary>
    private static readonly AccountContent MessagesOfAccount = new(
        "messages",
        """
        -- delete messages of account
        DELETE FROM messages WHERE id = ANY(ARRAY(
            SELECT id FROM messages WHERE thread_id = (
                SELECT t.id FROM threads t WHERE t.user_id = @user AND EXISTS (SELECT FROM messages m WHERE m.thread_id = t.id)
                LIMIT 1 FOR UPDATE)
            LIMIT 1000))
        """);

    private static readonly AccountContent ThreadsOfAccount = new(
        "threads",
        """
        -- delete threads of account
        DELETE FROM threads WHERE id IN (SELECT id FROM threads WHERE user_id = @user LIMIT 4)
        """);

    public static IServiceCollection AddThreads(this IServiceCollection services)
    {
        services.AddKnobs<ThreadEventOptions>();
        services.AddScoped<ThreadAccess>();
        services.AddScoped<ThreadAdoption>();
        services.AddScoped<AdoptSession>(provider => provider.GetRequiredService<ThreadAdoption>().AdoptAsync);
        services.AddSingleton<ThreadModels>();
        services.AddScoped<ThreadList>();
        services.AddScoped<ThreadCopies>();
        services.AddScoped<Shares>();
        services.AddScoped<Composition>();
        services.AddSingleton<Messages>();
        services.AddSingleton<ThreadSignals>();
        services.AddSingleton<ThreadChanges>();
        services.AddSingleton<ThreadEventReaders>();
        services.AddSingleton(SharesOfAccount).AddSingleton(SnapshotsOfAccount);
        services.AddSingleton(MessagesOfAccount).AddSingleton(ThreadsOfAccount);
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(0, ThreadsJson.Default));
        return services;
    }

    public static void MapThreads(this IEndpointRouteBuilder app)
    {
        var functions = FunctionErrors.Group(app);
        functions.MapThreadEndpoints();
        functions.MapMessages();
        functions.MapShares();
        functions.MapCompositions();
        functions.MapExport();
        functions.MapThreadEvents();
        functions.MapModels();
    }
}
