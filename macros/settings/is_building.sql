{% macro is_building() %}
    {#- Whether this command writes models. `dbt parse`, `compile` and `docs generate` work without any source
        table, so complaints about input wait for a command that reads it. -#}
    {{- return(execute and flags.WHICH in ['run', 'build', 'retry', 'show']) -}}
{% endmacro %}
