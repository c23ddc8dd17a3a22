namespace Sendcat.TestKit.Processes;

/// <summary>The tests run against real servers, and one is not installed.</summary>
public sealed class MissingServerException(string program, string debianPackage) : Exception(
    $"'{program}' is not installed, and the tests run against the real thing. On Debian or Ubuntu: apt-get install {debianPackage} " +
    "(all of them at once: apt-get install redis-server postgresql rabbitmq-server).");
