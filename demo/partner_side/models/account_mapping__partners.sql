{#- Settings may be a model instead of a seed: here each run is another partner's. -#}
{{ config(materialized='table') }}

with

final as (

    select
        'our_company' as partner_id,
        'Our Company' as partner_name,
        cast(null as {{ dbt.type_string() }}) as partner_type,
        cast(null as {{ dbt.type_string() }}) as tier,
        'keys' as exchange,
        true as is_active,
        '{{ var("demo_secret_env") }}' as secret_env,
        '{{ var("demo_agreement_id") }}' as agreement_id,
        '{{ var("demo_epoch") }}' as epoch

)

select * from final
