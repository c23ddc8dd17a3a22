namespace Sendcat.UnitTests.ServiceDefaults;

/// <summary>
/// The collection of tests that start Sentry.
/// They run one after the other: Sentry has one hub per process, and the last start receives all reports.
/// </summary>
public static class SentryHub
{
    public const string Name = "Sentry";
}
