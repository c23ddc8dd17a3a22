using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Sendcat.Reliability.Database.Migrations;

/// <summary>eBay's categories: written by the worker, read by the API. They lie in this schema because both know it.</summary>
[DbContext(typeof(ReliabilityDb))]
[Migration("20261123141000_EbayTaxonomy")]
public sealed class EbayTaxonomyMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE TABLE reliability.ebay_taxonomy_meta (
            marketplace_id   text PRIMARY KEY,
            root_category_id text,
            tree_version     text,
            fetched_at       timestamptz NOT NULL
        );

        CREATE TABLE reliability.ebay_categories (
            marketplace_id  text NOT NULL,
            category_id     text NOT NULL,
            category_name   text NOT NULL,
            normalized_name text NOT NULL,
            parent_id       text,
            path            text NOT NULL,
            leaf            boolean NOT NULL,
            fetched_at      timestamptz NOT NULL,
            PRIMARY KEY (marketplace_id, category_id)
        );
        CREATE INDEX ebay_categories_children ON reliability.ebay_categories (marketplace_id, parent_id, category_name);
        """);

    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        DROP TABLE reliability.ebay_categories;
        DROP TABLE reliability.ebay_taxonomy_meta;
        """);
}
