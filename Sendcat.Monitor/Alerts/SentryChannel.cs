using System.IO.Compression;
using Sendcat.Reliability.Alerts;

namespace Sendcat.Monitor.Alerts;

/// <summary>
/// Sends alerts to Sentry, through a client of its SDK for each DSN, beside the crash reports of the programs. Sentry groups them by kind
/// and bucket or provider. It gets the beginning of an alert and its repetitions; it has no use for the end.
/// </summary>
internal sealed class SentryChannel : IAlertChannel, IDisposable
{
    private static readonly TimeSpan SendTimeout = TimeSpan.FromMilliseconds(1_500);

    private readonly Dictionary<AlertFeature, string> _dsns;
    private readonly Dictionary<string, Client> _clients = new(StringComparer.Ordinal);

    /// <param name="sentry"><c>SENTRY_DSN</c>.</param>
    /// <param name="rateLimit"><c>RATE_LIMIT_SENTRY_DSN</c>.</param>
    /// <param name="toolQueue"><c>TOOL_QUEUE_SENTRY_DSN</c>.</param>
    public SentryChannel(string? sentry, string? rateLimit, string? toolQueue) => _dsns = new Dictionary<AlertFeature, string>
    {
        [AlertFeature.RateLimit] = First(rateLimit, sentry),
        [AlertFeature.Bulkhead] = First(sentry, rateLimit),
        [AlertFeature.ToolQueue] = First(toolQueue, sentry),
        [AlertFeature.Service] = First(sentry, rateLimit),
    };

    public string Name => "sentry";

    public bool Takes(string kind, AlertEvent happened) =>
        happened is AlertEvent.Raised or AlertEvent.Reminded && _dsns[AlertRules.FeatureOf(kind)].Length > 0;

    public async Task<string?> SendAsync(AlertNotice notice, CancellationToken cancellationToken)
    {
        var dsn = _dsns[AlertRules.FeatureOf(notice.Alert.Kind)];
        if (dsn.Length == 0)
        {
            return "The DSN is not configured.";
        }

        if (!_clients.TryGetValue(dsn, out var client))
        {
            try
            {
                _clients.Add(dsn, client = new(dsn));
            }
            catch (ArgumentException)
            {
                return "The DSN is not valid.";
            }
        }

        return await client.SendAsync(Event(notice), SendTimeout);
    }

    public void Dispose()
    {
        foreach (var client in _clients.Values)
        {
            client.Dispose();
        }
    }

    private static SentryEvent Event(AlertNotice notice)
    {
        var alert = notice.Alert;
        var feature = AlertRules.FeatureOf(alert.Kind);
        var report = new SentryEvent
        {
            Message = alert.Cause, Level = SentryLevel.Warning, Logger = LoggerOf(feature),
        };
        report.SetFingerprint(alert.Kind, alert.Subject);
        report.SetTag("feature", FeatureName(feature));
        report.SetTag("alert", alert.Kind);
        report.SetTag("severity", alert.Severity.Name());
        foreach (var (tag, value) in alert.Tags)
        {
            report.SetTag(tag, value);
        }

        if (feature is AlertFeature.Bulkhead)
        {
            report.SetExtra("inFlight", alert.Observed);
            report.SetExtra("maxConcurrent", alert.Threshold);
        }
        else
        {
            report.SetExtra("observed", alert.Observed);
            report.SetExtra("threshold", alert.Threshold);
            report.SetExtra("windowMinutes", AlertPolicy.WindowMinutes);
        }

        report.SetExtra("subject", alert.Subject);
        report.SetExtra("raisedAt", alert.RaisedAt);
        report.SetExtra("command", alert.Command);
        report.SetExtra("playbook", alert.Playbook);
        report.SetExtra("over", alert.Over);
        return report;
    }

    private static string LoggerOf(AlertFeature feature) => feature switch
    {
        AlertFeature.RateLimit => "sendcat.rateLimit.monitor",
        AlertFeature.Bulkhead => "sendcat.bulkhead",
        AlertFeature.ToolQueue => "sendcat.toolJobs.monitor",
        AlertFeature.Service => "sendcat.monitor",
        _ => throw new ArgumentOutOfRangeException(nameof(feature)),
    };

    private static string FeatureName(AlertFeature feature) => feature switch
    {
        AlertFeature.RateLimit => "rate_limit_monitor",
        AlertFeature.Bulkhead => "bulkhead",
        AlertFeature.ToolQueue => "tool_queue_monitor",
        AlertFeature.Service => "monitor",
        _ => throw new ArgumentOutOfRangeException(nameof(feature)),
    };

    private static string First(string? first, string? second) =>
        first?.Trim() is { Length: > 0 } own ? own : second?.Trim() ?? "";

    /// <summary>
    /// The SDK sends in the background and reports no failure. So its handler records what became of the last request, and one event is
    /// sent at a time.
    /// </summary>
    private sealed class Client : IDisposable
    {
        private readonly OutcomeHandler _handler = new();
        private readonly SentryClient _client;

        public Client(string dsn)
        {
            // An alert has no user and no stack, and the loaded modules say nothing about it.
            var options = new SentryOptions
            {
                Dsn = dsn,
                AutoSessionTracking = false,
                AttachStacktrace = false,
                ReportAssembliesMode = ReportAssembliesMode.None,
                SendDefaultPii = false,
                SendClientReports = false,
                RequestBodyCompressionLevel = CompressionLevel.NoCompression,
                CreateHttpMessageHandler = () => _handler,
            };
            options.SetBeforeSend(static report =>
            {
                report.User = new SentryUser();
                return report;
            });
            _client = new(options);
        }

        public async Task<string?> SendAsync(SentryEvent report, TimeSpan timeout)
        {
            _handler.Outcome = null;
            if (_client.CaptureEvent(report) == SentryId.Empty)
            {
                return "The client accepts no event.";
            }

            await _client.FlushAsync(timeout);
            return _handler.Outcome switch
            {
                null => "Sentry was not reached in time, or limits the rate.",
                { Length: 0 } => null,
                var failure => failure,
            };
        }

        public void Dispose()
        {
            _client.Dispose();
            _handler.Dispose();
        }
    }

    private sealed class OutcomeHandler()
        : DelegatingHandler(new SocketsHttpHandler { ConnectTimeout = SendTimeout, AllowAutoRedirect = false })
    {
        /// <summary>Null: no request has ended; empty: the last one was received; else its failure.</summary>
        public string? Outcome { get; set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            try
            {
                var response = await base.SendAsync(request, cancellationToken);
                Outcome = response.IsSuccessStatusCode ? "" : $"status {(int)response.StatusCode}";
                return response;
            }
            catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException)
            {
                Outcome = failure is HttpRequestException ? "no connection" : "no response in time";
                throw;
            }
        }
    }
}
