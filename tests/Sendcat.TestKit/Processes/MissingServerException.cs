namespace Sendcat.TestKit.Processes;

/// <summary>A server or program that the tests need is not installed. The tests run against real servers.</summary>
public sealed class MissingServerException(string program, string debianPackage) : Exception(
    $"'{program}' is not installed, and the tests run against real servers. On Debian or Ubuntu: apt-get install {debianPackage} " +
    "(all: apt-get install redis-server postgresql rabbitmq-server prometheus).");
