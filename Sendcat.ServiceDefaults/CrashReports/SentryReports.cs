using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sentry.Extensibility;
using Sentry.Extensions.Logging;

namespace Sendcat.ServiceDefaults.CrashReports;

/// <summary>Unhandled errors to Sentry when <c>SENTRY_DSN</c> is set: type, stack and route. Never who asked, what was asked, or what was answered.</summary>
internal static class SentryReports
{
    public const double DefaultTracesSampleRate = 0.1;

    public static void AddSentry(this IHostApplicationBuilder builder)
    {
        if (builder.Configuration["SENTRY_DSN"] is not { Length: > 0 } dsn)
        {
            return;
        }

        if (builder is WebApplicationBuilder web)
        {
            web.WebHost.UseSentry(sentry =>
            {
                sentry.MaxRequestBodySize = RequestSize.None;
                Configure(sentry, dsn, builder.Configuration);
            });
        }
        else
        {
            builder.Logging.AddSentry(sentry => Configure(sentry, dsn, builder.Configuration));
        }
    }

    /// <summary>Share of the requests that are traced: <c>SENTRY_TRACES_SAMPLE_RATE</c>, clamped to 0 … 1; the default when it is missing or no number.</summary>
    public static double TracesSampleRate(IConfiguration configuration) =>
        double.TryParse(configuration["SENTRY_TRACES_SAMPLE_RATE"], NumberStyles.Float, CultureInfo.InvariantCulture, out var rate) && !double.IsNaN(rate)
            ? Math.Clamp(rate, 0, 1)
            : DefaultTracesSampleRate;

    private static void Configure(SentryLoggingOptions sentry, string dsn, IConfiguration configuration)
    {
        sentry.Dsn = dsn;
        sentry.TracesSampleRate = TracesSampleRate(configuration);
        sentry.SendDefaultPii = false;
        sentry.IsEnvironmentUser = false;
        sentry.MaxBreadcrumbs = 20;
        sentry.MinimumBreadcrumbLevel = LogLevel.Warning;
        sentry.SetBeforeSend(WithoutPersonalData);
        sentry.SetBeforeSendTransaction(transaction =>
        {
            Strip(transaction.Request);
            return transaction;
        });
    }

    private static SentryEvent WithoutPersonalData(SentryEvent report)
    {
        Strip(report.Request);
        report.User = new SentryUser();
        return report;
    }

    private static void Strip(SentryRequest request)
    {
        request.QueryString = null;
        request.Cookies = null;
        request.Data = null;
        request.Headers.Clear();
    }
}
