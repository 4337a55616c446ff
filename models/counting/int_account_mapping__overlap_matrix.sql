with

company_links as (

    select * from {{ ref('int_account_mapping__company_links') }}

),

compared_statuses as (

    select * from {{ ref('int_account_mapping__compared_statuses') }}

),

final as (

    {{ account_mapping.matrix_query('company_links', 'compared_statuses') | indent(4) }}

)

select * from final
