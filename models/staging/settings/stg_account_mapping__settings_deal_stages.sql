{#- Numbers are read as text first: one that cannot be read must not pass for one that is left open. -#}
with

source as (

    {{ account_mapping.setting('account_mapping__deal_stages', required={
        'crm': dbt.type_string(),
        'stage': dbt.type_string(),
    }, optional={
        'stage_name': dbt.type_string(),
        'stage_rank': dbt.type_string(),
        'probability': dbt.type_string(),
    }) }}

),

renamed as (

    select
        ---------- text
        crm,
        stage,
        lower(stage) as stage_key,
        stage_name,

        ---------- numerics
        {{ account_mapping.to_integer('stage_rank') }} as stage_rank,
        cast({{ dbt.safe_cast('probability', 'decimal(28, 10)') }} as decimal(5, 4)) as probability,

        ---------- flags
        (stage_rank is null or {{ account_mapping.to_integer('stage_rank') }} is not null)
        and (
            probability is null
            or coalesce({{ dbt.safe_cast('probability', 'decimal(28, 10)') }} between 0 and 1, false)
        ) as is_readable

    from source

)

select * from renamed
