{% macro check_engine() %}
    {#- One clear error when the engine is set up so that the same rows would give other results. -#}
    {{- return(adapter.dispatch('check_engine', 'account_mapping')() if account_mapping.is_building() else none) -}}
{% endmacro %}

{% macro default__check_engine() %}
{% endmacro %}

{% macro duckdb__check_engine() %}
    {#- Before 1.5.3 a join of several threads may ask a filter that is still being filled: duckdb issue 22075. -#}
    {%- set version = run_query('select version()').rows[0][0] -%}
    {%- set parts = modules.re.match('v?([0-9]+)[.]([0-9]+)[.]([0-9]+)', version) -%}
    {%- if parts and parts.groups() | map('int') | list < [1, 5, 3] -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: this is DuckDB " ~ version ~ ", in which a join can lose rows without a word. Install 1.5.3 or"
            ~ " later: pip install -r dbt_packages/account_mapping/requirements.txt"
        ) -%}
    {%- endif -%}
{% endmacro %}

{% macro spark__check_engine() %}
    {%- set zone = run_query('select current_timezone()').rows[0][0] -%}
    {%- if zone not in ('UTC', 'Etc/UTC', 'GMT', 'Z', '+00:00') -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: the session's time zone is " ~ zone ~ ", and times without an offset would be read as times"
            ~ " there. Set spark.sql.session.timeZone to UTC, under server_side_parameters of the profile."
        ) -%}
    {%- endif -%}
    {%- if target.method == 'session' and adapter.dispatch('load_csv_rows', 'dbt').macro.package_name == 'dbt_spark' -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: with method session, dbt-spark loads the empty cells of seeds as the text None. Let the"
            ~ " package load them. In dbt_project.yml: dispatch: [{macro_namespace: dbt, search_order: [" ~ project_name
            ~ ", account_mapping, dbt]}]; then run dbt seed again."
        ) -%}
    {%- endif -%}
{% endmacro %}
