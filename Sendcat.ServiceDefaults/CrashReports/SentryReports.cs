using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sentry.Extensibility;
using Sentry.Extensions.Logging;

namespace Sendcat.ServiceDefaults.CrashReports;

/// <summary>
/// Reports unhandled errors to Sentry when <c>SENTRY_DSN</c> is set: type, stack and route. A report never contains the user, the request
/// or the response.
/// </summary>
/// <remarks>
/// URLs can contain share tokens, ids, search texts, and the API keys of upstreams that take them in the query. Therefore no URL is
/// reported, neither of a request nor of an upstream call, and no upstream receives Sentry's headers.
/// </remarks>
internal static partial class SentryReports
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

    /// <summary>
    /// Share of the requests that are traced: <c>SENTRY_TRACES_SAMPLE_RATE</c>, clamped to 0…1. The default applies when the value is
    /// missing or not a number.
    /// </summary>
    public static double TracesSampleRate(IConfiguration configuration) =>
        double.TryParse(configuration["SENTRY_TRACES_SAMPLE_RATE"], NumberStyles.Float, CultureInfo.InvariantCulture, out var rate)
            && !double.IsNaN(rate)
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
        sentry.DisableSentryHttpMessageHandler = true;
        sentry.TracePropagationTargets = [];
        sentry.SetBeforeBreadcrumb(
            (crumb, _) => new Breadcrumb(WithoutAddresses(crumb.Message) ?? "", crumb.Type ?? "", null, crumb.Category, crumb.Level));
        sentry.SetBeforeSend(WithoutPersonalData);
        sentry.SetBeforeSendTransaction(transaction =>
        {
            Strip(transaction.Request);
            transaction.User = new SentryUser();
            foreach (var tag in transaction.Tags.Keys.Where(IsAddress).ToArray())
            {
                transaction.UnsetTag(tag);
            }

            return transaction;
        });
    }

    private static SentryEvent WithoutPersonalData(SentryEvent report)
    {
        Strip(report.Request);
        report.User = new SentryUser();
        foreach (var tag in report.Tags.Keys.Where(IsAddress).ToArray())
        {
            report.UnsetTag(tag);
        }

        if (report.Message is { } message)
        {
            (message.Message, message.Formatted, message.Params) =
                (WithoutAddresses(message.Message), WithoutAddresses(message.Formatted), null);
        }

        foreach (var exception in report.SentryExceptions ?? [])
        {
            exception.Value = WithoutAddresses(exception.Value);
        }

        return report;
    }

    /// <summary>True for a tag of a log scope that contains a path or a URL.</summary>
    private static bool IsAddress(string tag) =>
        tag.EndsWith("Path", StringComparison.OrdinalIgnoreCase)
        || tag.EndsWith("Uri", StringComparison.OrdinalIgnoreCase)
        || tag.EndsWith("Url", StringComparison.OrdinalIgnoreCase);

    private static string? WithoutAddresses(string? text) => text is null ? null : Address().Replace(text, "[address]");

    /// <summary>Absolute URLs, and paths of Sendcat's API.</summary>
    [GeneratedRegex(
        @"\bhttps?://[^\s""'<>]+|/api/[^\s""'<>]*", RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase,
        matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Address();

    private static void Strip(SentryRequest request)
    {
        request.Url = null;
        request.QueryString = null;
        request.Cookies = null;
        request.Data = null;
        request.Headers.Clear();
    }
}
