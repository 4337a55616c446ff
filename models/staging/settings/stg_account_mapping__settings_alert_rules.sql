{#- Numbers are read as text first: one that cannot be read must not pass for one that is left open. -#}
with

source as (

    {{ account_mapping.setting('account_mapping__alert_rules', required={
        'kind': dbt.type_string(),
        'is_on': dbt.type_boolean(),
    }, optional={
        'threshold': dbt.type_string(),
        'days': dbt.type_string(),
        'severity': dbt.type_string(),
        'channel': dbt.type_string(),
    }) }}

),

renamed as (

    select
        ---------- text
        lower(kind) as kind,
        coalesce(lower(severity), 'info') as severity,
        {{ account_mapping.spreadsheet_safe('channel') }} as channel,

        ---------- numerics
        coalesce({{ account_mapping.to_integer('threshold') }}, 0) as threshold,
        coalesce({{ account_mapping.to_integer('days') }}, 14) as days,

        ---------- flags
        is_on,
        (threshold is null or coalesce({{ account_mapping.to_integer('threshold') }} >= 0, false))
        and (days is null or coalesce({{ account_mapping.to_integer('days') }} >= 0, false)) as is_readable

    from source

)

select * from renamed
