with

source as (

    {{ account_mapping.stage_table('partners', 'partner_accounts', as_text=true) }}

),

renamed as (

    select
        {{ account_mapping.partner_account_columns() | indent(8) }},

        ---------- origin
        'partners.partner_accounts' as source,
        notes

    from source

)

select * from renamed
