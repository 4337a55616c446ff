{% macro account_mapping__export_shared(partner_id, folder, kinds=[]) %}
    {#- For the exchange command: writes what one partner may get, and the settings that its manifest states, as files
        below `folder`. Says so clearly where the engine cannot. -#}
    {{- return(adapter.dispatch('account_mapping__export_shared', 'account_mapping')(partner_id, folder, kinds)) -}}
{% endmacro %}

{% macro default__account_mapping__export_shared(partner_id, folder, kinds=[]) %}
    {%- do exceptions.raise_compiler_error(
        "account_mapping: the exchange command writes files on DuckDB only, this is " ~ target.type ~ ". Give the partner"
        ~ " views of its own instead, models of {{ account_mapping.shared_with('" ~ partner_id ~ "', 'keys') }} and"
        ~ " likewise of 'counts', 'fields' and 'agreement', and grant it those and nothing else."
    ) -%}
{% endmacro %}

{% macro duckdb__account_mapping__export_shared(partner_id, folder, kinds=[]) %}
    {%- if not execute -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set partner = account_mapping._text_literal(partner_id) -%}
    {%- set partners = account_mapping._exchange_model('stg_account_mapping__settings_partners') -%}
    {%- set rules = account_mapping._exchange_model('stg_account_mapping__settings_sharing_agreements') -%}
    {#- NORMALISER_SEEDS of exchange/protocol.py. -#}
    {%- set seeds = {} -%}
    {%- for seed in ['legal_forms', 'placeholders', 'name_words', 'common_words'] -%}
        {%- do seeds.update({seed: account_mapping._exchange_model('account_mapping__' ~ seed)}) -%}
    {%- endfor -%}
    {%- if not (partners and rules and seeds.values() | select('none') | list | length == 0) -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: the settings are not built yet: run `dbt build`, or the exchange command without --no-build."
        ) -%}
    {%- endif -%}
    {%- set rule_columns = "direction, our_status, partner_status, sharing_level as level, shared_fields as fields,"
        ~ " minimum_count, cast(valid_from as varchar) as valid_from, cast(valid_until as varchar) as valid_until" -%}
    {%- set readable = "is_readable" if "is_readable" in (
        adapter.get_columns_in_relation(rules) | map(attribute="name") | list) else "true as is_readable" -%}
    {%- set as_of = account_mapping.as_of() -%}
    {#- One secret for two partners would let them compare what each gets: the command has to know the others'. -#}
    {%- set other_secrets = "(select list(other_partners.secret_env) from " ~ partners ~ " as other_partners"
        ~ " where other_partners.exchange in ('keys', 'psi') and other_partners.is_active"
        ~ " and other_partners.partner_id <> " ~ partner ~ ") as other_secret_envs" -%}
    {%- do account_mapping._write_json(folder, 'settings',
        "select partner_id, exchange, is_active, coalesce(agreement_id, '') as agreement_id,"
        ~ " coalesce(epoch, '') as epoch, secret_env, " ~ other_secrets ~ ", cast(" ~ as_of ~ " as varchar) as as_of, "
        ~ account_mapping._text_literal(account_mapping.normaliser_version() | trim) ~ " as normaliser_version, "
        ~ account_mapping._text_literal(var("account_mapping__company_id", "us")) ~ " as company_id, cast("
        ~ account_mapping._text_literal(var("account_mapping__psi_most_points", 1000000)) ~ " as bigint) as most_points from "
        ~ partners ~ " where partner_id = " ~ partner) -%}
    {%- do account_mapping._write_json(folder, 'our_statement',
        "select " ~ rule_columns ~ ", " ~ readable ~ " from " ~ rules ~ " where partner_id = " ~ partner) -%}
    {%- for seed, relation in seeds.items() -%}
        {%- do account_mapping._write_json(folder, seed, "select * from " ~ relation) -%}
    {%- endfor -%}
    {%- set received = {
        'partner_agreements': ('partner_statement', "direction, our_status, partner_status, level, fields, minimum_count,"
            ~ " cast(valid_from as varchar) as valid_from, cast(valid_until as varchar) as valid_until"),
        'partner_manifests': ('accepted', "sender, agreement_id, epoch, sequence, mac, statement_hash,"
            ~ " partner_statement_hash, created_on, expires_on"),
    } -%}
    {%- for table, (file, columns) in received.items() -%}
        {%- set relation = account_mapping._partners_table(table) -%}
        {%- if load_relation(relation) -%}
            {%- do account_mapping._write_json(folder, file,
                "select " ~ columns ~ " from " ~ relation ~ " where partner_id = " ~ partner) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do account_mapping._write_ledger(folder) -%}
    {%- for kind in kinds -%}
        {%- set relation = account_mapping._exchange_model(
            'int_account_mapping__blinded_keys' if kind == 'blinded' else 'account_mapping__shared_' ~ kind) -%}
        {%- if relation -%}
            {%- do account_mapping._write_kind(folder, kind, relation, partner_id) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

{% macro _write_kind(folder, kind, relation, partner_id) %}
    {#- One partner's rows of `relation` as a file of one kind. -#}
    {%- set layout = account_mapping._exchange_layouts()['keys' if kind == 'blinded' else kind] -%}
    {%- set columns = [] -%}
    {%- for column in layout['columns'] -%}
        {%- do columns.append("cast(" ~ column ~ " as varchar) as " ~ column) -%}
    {%- endfor -%}
    {#- what is blinded stays here, and tells of each account whether it is more than counted -#}
    {%- if kind == 'blinded' -%}
        {%- do columns.append("cast(is_shared as varchar) as is_shared") -%}
    {%- endif -%}
    {%- set places = [] -%}
    {%- for column in layout['grain'] -%}
        {%- do places.append("coalesce(" ~ column ~ ", '')") -%}
    {%- endfor -%}
    {%- do run_query(
        "copy (select " ~ (columns | join(", ")) ~ " from " ~ relation ~ " where partner_id = "
        ~ account_mapping._text_literal(partner_id) ~ " order by " ~ (places | join(", ")) ~ ") to "
        ~ account_mapping._text_literal(folder ~ "/" ~ kind ~ ".parquet") ~ " (format parquet, compression zstd)"
    ) -%}
{% endmacro %}

{% macro _exchange_layouts() %}
    {#- Columns of each kind of file that crosses the boundary, and by which of them its rows are told apart and sorted. -#}
    {{- return({
        'keys': {
            'columns': [
                'agreement_id', 'epoch', 'normaliser_version', 'key_type', 'token', 'account_token',
                'parent_account_token', 'status',
            ],
            'grain': ['key_type', 'token', 'account_token'],
        },
        'counts': {
            'columns': [
                'agreement_id', 'epoch', 'rollup', 'our_status', 'partner_status', 'companies', 'cell_state',
            ],
            'grain': ['rollup', 'our_status', 'partner_status'],
        },
        'fields': {
            'columns': ['agreement_id', 'epoch', 'account_token', 'partner_account_token', 'field', 'value'],
            'grain': ['account_token', 'partner_account_token', 'field'],
        },
    }) -}}
{% endmacro %}

{% macro _write_json(folder, name, query) %}
    {%- do run_query("copy (" ~ query ~ ") to " ~ account_mapping._text_literal(folder ~ "/" ~ name ~ ".json")
        ~ " (format json, array true)") -%}
{% endmacro %}

{% macro _exchange_model(name) %}
    {#- The relation of a model or seed as it stands in the database, or none. Not `ref`, which fails for a model that a
        project has switched off. -#}
    {%- for node in graph.nodes.values() -%}
        {%- if node.name == name and node.resource_type in ('model', 'seed', 'snapshot') -%}
            {{- return(adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias)) -}}
        {%- endif -%}
    {%- endfor -%}
    {{- return(none) -}}
{% endmacro %}

{% macro _partners_table(name) %}
    {#- Where a table of what partners gave us lies, whether it exists or not. -#}
    {%- set neighbour = source('partners', 'partner_keys') -%}
    {{- return(api.Relation.create(
        database=neighbour.database,
        schema=neighbour.schema,
        identifier=var('partners_' ~ name ~ '_identifier', name),
    )) -}}
{% endmacro %}
