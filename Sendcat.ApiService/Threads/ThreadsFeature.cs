using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.AccountChanges;
using Sendcat.ApiService.Identity.SignIns;
using Sendcat.ApiService.Threads.Events;
using Sendcat.ApiService.Threads.Export;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Threads;

internal static class ThreadsFeature
{
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
        // A thread may have thousands of messages, which go with it.
        services.AddSingleton(new AccountContent(
            "threads",
            """
            -- delete threads of account
            DELETE FROM threads WHERE id IN (SELECT id FROM threads WHERE user_id = @user LIMIT 4)
            """));
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
