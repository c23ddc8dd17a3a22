using System.Text;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Monitor.WebConsole;

internal static class ConsoleFeature
{
    private static readonly TimeSpan ResponseTimeout = TimeSpan.FromSeconds(60);

    public static WebApplicationBuilder AddWebConsole(this WebApplicationBuilder builder)
    {
        builder.Services.AddKnobs<ConsoleOptions>();
        builder.Services.AddSingleton<PageFiles>().AddSingleton<SessionCookie>().AddSingleton<LiveFeed>();
        builder.Services.AddHttpClient<OpsForwarder>(http => http.Timeout = ResponseTimeout) // no retries: a request may be a change
            .RemoveAllLoggers()
            .UseSocketsHttpHandler((sockets, _) =>
            {
                (sockets.PooledConnectionLifetime, sockets.AllowAutoRedirect) = (TimeSpan.FromMinutes(1), false);
                sockets.RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8;
            })
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan);
        builder.Services.AddHostedService<LiveReader>();
        return builder;
    }

    public static void MapWebConsole(this WebApplication app)
    {
        app.Use(PageHeaders.SetAsync);
        app.Services.GetRequiredService<PageFiles>().Map(app);
        // Read now, so that a short key stops the start instead of the first sign-in.
        _ = app.Services.GetRequiredService<SessionCookie>();
        SignIn.Map(app);
        OpsRoutes.Map(app);
        LiveEndpoint.Map(app);
    }
}
