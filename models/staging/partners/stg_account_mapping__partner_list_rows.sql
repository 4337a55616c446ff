with

source as (

    select * from {{ ref('stg_account_mapping__partner_files') }}
    where problem is null

),

renamed as (

    select
        {{ partner_account_columns() | indent(8) }},

        ---------- origin
        file_name as source

    from source

)

select * from renamed
