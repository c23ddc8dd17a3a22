using System.Diagnostics;
using System.Text.Json.Serialization;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.RateLimiting;

namespace Sendcat.ApiService.Http;

/// <summary>
/// Registers what applies to every request: client addresses, allowed origins, response headers, error responses and read limits.
/// </summary>
internal static class HttpFeature
{
    public static IServiceCollection AddHttpRules(this IServiceCollection services)
    {
        services.AddKnobs<OriginOptions>();
        services.AddKnobs<PublicAddressOptions>();
        services.AddSingleton<PublicAddress>();
        services.AddOptions<ForwardedHeadersOptions>().Configure<IConfiguration>(ClientAddress.ConfigureTrustedProxies);
        services.AddSingleton<LocalAddressLimiter>();
        services.TryAddSingleton(provider =>
            SharedLimits.Of(provider.GetRequiredService<RateLimiter>(), provider.GetRequiredService<LocalAddressLimiter>()));
        services.AddSingleton(provider => new RequestLimits(provider.GetRequiredService<LimitCheck>()));
        services.AddSingleton<ReadLimit>();
        services.AddSingleton<RefusedOrigins>();
        services.ConfigureHttpJsonOptions(options =>
        {
            options.SerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
            options.SerializerOptions.Converters.Add(new UtcDateTimeConverter());
            options.SerializerOptions.Converters.Add(new UtcDateTimeOffsetConverter());
        });
        services.AddSingleton<OriginPolicy>();
        services.AddSingleton<ErrorMiddleware>();
        services.AddSingleton<RequestMeasurement>();
        services.AddSingleton<UnreadBody>();
        return services;
    }

    public static WebApplication UseHttpRules(this WebApplication app)
    {
        // Read now, so that an invalid list of proxies stops the start instead of failing the first request.
        _ = app.Services.GetRequiredService<IOptions<ForwardedHeadersOptions>>().Value;
        var origins = app.Services.GetRequiredService<OriginPolicy>();
        var errors = app.Services.GetRequiredService<ErrorMiddleware>();
        var reads = app.Services.GetRequiredService<ReadLimit>();
        var measurement = app.Services.GetRequiredService<RequestMeasurement>();
        var unread = app.Services.GetRequiredService<UnreadBody>();
        if (!origins.HasAny)
        {
            app.Logger.NoOrigins();
        }

        RejectedRequests.Observe(app.Services.GetRequiredService<DiagnosticListener>());
        // Outside of all others, so that no duration includes the time of a slow sender.
        app.Use(next => http => unread.InvokeAsync(http, next));
        app.Use(next => http =>
        {
            ResponseHeaders.Set(http);
            return origins.InvokeAsync(http, next);
        });
        // Outside of ErrorMiddleware, so that it sees the response to an exception.
        app.Use(next => http => measurement.InvokeAsync(http, next));
        app.Use(next => http => errors.InvokeAsync(http, next));
        app.UseForwardedHeaders();
        // Routing runs inside ErrorMiddleware, so that its own errors (405, 415) become ApiError responses as well.
        app.UseRouting();
        app.Use(next => http => reads.InvokeAsync(http, next));
        return app;
    }
}
