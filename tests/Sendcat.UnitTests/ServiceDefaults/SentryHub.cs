namespace Sendcat.UnitTests.ServiceDefaults;

/// <summary>Tests that start Sentry run one after the other: it has one hub per process, and whoever starts it next gets the reports of all.</summary>
public static class SentryHub
{
    public const string Name = "Sentry";
}
