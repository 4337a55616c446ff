{% macro account_mapping__export_marts(folder, marts=[]) %}
    {#- Copy the public marts to folder/<mart>.parquet, for BI and for the report: a folder that exists, or a place in an
        object store. marts: names, default all but those that are shared with partners and account_mapping__known_people,
        whose copy would stay when a person is forgotten. -#}
    {{- return(adapter.dispatch('account_mapping__export_marts', 'account_mapping')(folder, marts)) -}}
{% endmacro %}

{% macro default__account_mapping__export_marts(folder, marts) %}
    {%- do exceptions.raise_compiler_error(
        "account_mapping: account_mapping__export_marts writes files by DuckDB only, this is " ~ target.type
        ~ ". The marts are tables of your warehouse: read them there.") -%}
{% endmacro %}

{% macro duckdb__account_mapping__export_marts(folder, marts) %}
    {%- if not execute -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set found = {} -%}
    {%- for node in graph.nodes.values()
        if node.package_name == 'account_mapping' and 'account_mapping_public' in node.tags
        and node.resource_type == 'model' -%}
        {%- set is_left = 'account_mapping_shared' in node.tags or node.name == 'account_mapping__known_people' -%}
        {%- if node.name in marts or (not marts and not is_left) -%}
            {%- do found.update({node.name: api.Relation.create(
                database=node.database, schema=node.schema, identifier=node.alias)}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set unknown = marts | reject('in', found) | list -%}
    {%- if unknown -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: account_mapping__export_marts knows no mart " ~ (unknown | join(", "))
            ~ ", or it is switched off.") -%}
    {%- endif -%}
    {%- for name in found | sort -%}
        {%- do run_query("copy (select * from " ~ found[name] ~ " order by all) to "
            ~ account_mapping._text_literal(folder ~ "/" ~ name ~ ".parquet") ~ " (format parquet, compression zstd)") -%}
    {%- endfor -%}
    {%- do log("account_mapping: " ~ (found | length) ~ " marts are in " ~ folder, info=true) -%}
{% endmacro %}
