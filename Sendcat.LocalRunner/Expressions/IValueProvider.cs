namespace Aspire.Hosting.ApplicationModel;

/// <summary>A value that is known only once the model runs: a port, a password, a connection string.</summary>
public interface IValueProvider
{
    ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default);
}

/// <summary>How the value is named in a deployment manifest. Nothing publishes here; it is kept for equal signatures and for messages.</summary>
public interface IManifestExpressionProvider
{
    string ValueExpression { get; }
}

public interface IExpressionValue : IValueProvider, IManifestExpressionProvider;
